"""A server from a configuration file: its storage in a folder, its listener with TLS.

It starts sealed and without content. It can be stopped, killed and started again: the address,
the certificate and the stored data stay.
"""

import datetime
import ipaddress
import os
import shutil
import subprocess
import tempfile
import time

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devserver import START_SECONDS, STOP_SECONDS, free_port

CERTIFICATE_LIFETIME = datetime.timedelta(hours=1)
CLOCK_TOLERANCE = datetime.timedelta(minutes=5)
CONFIGURATION = """\
storage "file" {{
  path = "{home}/data"
}}

listener "tcp" {{
  address       = "127.0.0.1:{port}"
  tls_cert_file = "{home}/server.pem"
  tls_key_file  = "{home}/server.key"
}}
"""


class FileServer:
    """Use as a context manager. Nothing of it is left on disk afterwards."""

    def __init__(self, binary):
        self.binary = os.path.abspath(binary)
        self.home = tempfile.mkdtemp(prefix="fileserver-")
        self.log = os.path.join(self.home, "log")
        self.authority = os.path.join(self.home, "authority.pem")
        self.configuration = os.path.join(self.home, "server.hcl")
        self.process = None
        port = free_port()
        self.address = f"https://127.0.0.1:{port}"
        write_certificates(self.home)
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION.format(home=self.home, port=port))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self):
        """Starts the server and waits until it answers, whatever its seal is."""
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [self.binary, "server", f"-config={self.configuration}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": self.home},
                cwd=self.home,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                url = f"{self.address}/v1/sys/seal-status"
                requests.get(url, timeout=1, verify=self.authority)
                return
            except requests.RequestException:
                time.sleep(0.05)
        with open(self.log) as log:
            raise SystemExit(f"error: {self.binary} did not start:\n{log.read()[-2000:]}")

    def stop(self):
        """Asks the server to end, and returns its exit status; `None` if it had to be killed."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        """Ends the server as a power cut would: it can do nothing about it."""
        self.process.kill()
        self.process.wait()


def write_certificates(folder):
    """An authority of our own (`authority.pem`) and a server certificate for loopback."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        unsigned("authority", "authority", authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    server = (
        unsigned("server", "authority", server_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = server_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write(folder, "authority.pem", authority.public_bytes(pem))
    write(folder, "server.pem", server.public_bytes(pem))
    write(folder, "server.key", private)


def unsigned(subject, issuer, key):
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_TOLERANCE)
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .add_extension(identifier, critical=False)
    )


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def key_usage(**granted):
    uses = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{use: granted.get(use, False) for use in uses})


def write(folder, name, content):
    # A key must not be readable for others, not even for a moment.
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
