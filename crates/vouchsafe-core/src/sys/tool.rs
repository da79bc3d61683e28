//! `sys/tools/*`: hashes and random bytes for scripts that have nothing else at hand.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vouchsafe_logical::{Access, Answer, Call, Data, Error, Method, Reply, Route, input};

use super::Sys;

/// The most random bytes of one request.
pub(crate) const RANDOM_BYTES_MAX: usize = 128 * 1_024;
/// Random bytes where nobody says how many.
const RANDOM_BYTES_DEFAULT: usize = 32;
/// Where randomness may be asked from. There is one source, so all of them mean the same.
const SOURCES: [&str; 3] = ["platform", "seal", "all"];

input! {
    /// Body of `tools/hash`.
    pub(crate) struct HashInput {
        /// What is hashed, in base64.
        input: Option<String>,
        /// `sha2-224`, `sha2-256` (the default), `sha2-384`, `sha2-512`, `sha3-256`, `sha3-384` or
        /// `sha3-512`.
        algorithm: Option<String>,
        /// The algorithm, in the path.
        urlalgorithm: Option<String>,
        /// `hex` (the default) or `base64`.
        format: Option<String>,
    }
}

input! {
    /// Body of `tools/random`.
    pub(crate) struct RandomInput {
        /// How many bytes; 32 where nothing is said.
        bytes: Option<i64>,
        /// `base64` (the default) or `hex`.
        format: Option<String>,
        /// Source, count, or both, in the path.
        urlbytes: Option<String>,
        /// `platform`, `seal` or `all`.
        source: Option<String>,
    }
}

pub(crate) const HASH: Route<Sys> = Route {
    pattern: "tools/hash/{urlalgorithm?...}",
    access: Access::Token,
    methods: &[Method::update::<HashInput>(hash)],
    exists: None,
    help: "Hash the input.",
};

pub(crate) const RANDOM: Route<Sys> = Route {
    pattern: "tools/random/{urlbytes?...}",
    access: Access::Token,
    methods: &[Method::update::<RandomInput>(random)],
    exists: None,
    help: "Give random bytes.",
};

/// How bytes are shown.
#[derive(Clone, Copy)]
enum Format {
    Base64,
    Hex,
}

impl Format {
    fn parse(text: Option<&str>, default: Self) -> Result<Self, Error> {
        match text {
            None | Some("") => Ok(default),
            Some("base64") => Ok(Self::Base64),
            Some("hex") => Ok(Self::Hex),
            Some(other) => Err(Error::invalid(format!(
                "unsupported encoding format {other:?}; must be \"hex\" or \"base64\""
            ))),
        }
    }

    fn show(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => STANDARD.encode(bytes),
            Self::Hex => hex::encode(bytes),
        }
    }
}

fn algorithm(name: &str) -> Result<&'static digest::Algorithm, Error> {
    Ok(match name {
        "" | "sha2-256" => &digest::SHA256,
        "sha2-224" => &digest::SHA224,
        "sha2-384" => &digest::SHA384,
        "sha2-512" => &digest::SHA512,
        "sha3-256" => &digest::SHA3_256,
        "sha3-384" => &digest::SHA3_384,
        "sha3-512" => &digest::SHA3_512,
        other => {
            return Err(Error::invalid(format!(
                "unsupported algorithm {other}; expected `sha2-` with 224, 256, 384 or 512, or `sha3-` with 256, 384 or 512"
            )));
        }
    })
}

fn hash<'a>(_sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: HashInput = call.input()?;
        let in_path = input.urlalgorithm.filter(|name| !name.is_empty());
        let name = in_path.or(input.algorithm).unwrap_or_default();
        let algorithm = algorithm(&name)?;
        let format = Format::parse(input.format.as_deref(), Format::Hex)?;
        let plain = STANDARD
            .decode(input.input.unwrap_or_default())
            .map_err(|fault| {
                Error::invalid(format!("unable to decode input as base64: {fault}"))
            })?;
        let mut data = Data::new();
        let sum = digest::digest(algorithm, &plain);
        data.insert("sum".to_owned(), format.show(sum.as_ref()).into());
        Ok(Reply::data(data))
    })
}

fn random<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: RandomInput = call.input()?;
        let format = Format::parse(input.format.as_deref(), Format::Base64)?;
        let (source, count) = asked(&input)?;
        let count = within_limit(count)?;
        let mut bytes = vec![0; count];
        sys.runtime()?.ports.entropy.fill(&mut bytes);
        let mut data = Data::new();
        data.insert("random_bytes".to_owned(), format.show(&bytes).into());
        let reply = Reply::data(data);
        Ok(if source == "seal" {
            reply.with_warning(
                "no seal/entropy augmentation available, using platform entropy source",
            )
        } else {
            reply
        })
    })
}

/// Source and count, from the path first: `8`, `seal`, `seal/8`.
fn asked(input: &RandomInput) -> Result<(&str, Option<i64>), Error> {
    let source = input.source.as_deref().unwrap_or("platform");
    let in_path = input.urlbytes.as_deref().unwrap_or_default();
    let (first, second) = in_path.split_once('/').unwrap_or((in_path, ""));
    let (source, count) = if SOURCES.contains(&first) {
        (first, second)
    } else {
        (source, in_path)
    };
    if !SOURCES.contains(&source) {
        return Err(Error::invalid(format!(
            "unsupported entropy source {source:?}; must be \"platform\", \"seal\" or \"all\""
        )));
    }
    if count.is_empty() {
        return Ok((source, input.bytes));
    }
    let count = count.parse().map_err(|_| {
        Error::invalid(format!(
            "error parsing url-set byte count: {count:?} is not a whole number"
        ))
    })?;
    Ok((source, Some(count)))
}

fn within_limit(count: Option<i64>) -> Result<usize, Error> {
    match count.map(usize::try_from) {
        None => Ok(RANDOM_BYTES_DEFAULT),
        Some(Ok(count @ 1..=RANDOM_BYTES_MAX)) => Ok(count),
        Some(Ok(0) | Err(_)) => Err(Error::invalid("'bytes' cannot be less than 1")),
        Some(Ok(count)) => Err(Error::invalid(format!(
            "'bytes' is {count}; at most {RANDOM_BYTES_MAX} are given at once"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(urlbytes: &str, bytes: Option<i64>) -> Result<usize, String> {
        let input = RandomInput {
            bytes,
            format: None,
            urlbytes: Some(urlbytes.to_owned()),
            source: None,
        };
        asked(&input)
            .and_then(|(_, count)| within_limit(count))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_path_says_how_many_bytes_and_from_where() {
        assert_eq!(counted("", None), Ok(RANDOM_BYTES_DEFAULT));
        assert_eq!(counted("", Some(4)), Ok(4));
        assert_eq!(counted("8", Some(4)), Ok(8));
        assert_eq!(counted("seal/8", Some(4)), Ok(8));
        assert_eq!(counted("seal", Some(4)), Ok(4));
        assert!(counted("elsewhere", None).is_err());
        assert!(counted("8/seal", None).is_err());
    }

    #[test]
    fn limits_at_and_past() {
        let most = i64::try_from(RANDOM_BYTES_MAX).unwrap();
        assert_eq!(counted("", Some(1)), Ok(1));
        assert!(counted("", Some(0)).is_err());
        assert!(counted("", Some(-1)).is_err());
        assert_eq!(counted("", Some(most)), Ok(RANDOM_BYTES_MAX));
        assert!(counted("", Some(most + 1)).is_err());
    }
}
