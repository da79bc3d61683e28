use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// What a browser is answered; the whole text, headers included.
async fn ask(port: u16, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = body.len();
    let request = format!("{head} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(port: u16, target: &str) -> String {
    ask(port, &format!("GET {target}"), "").await
}

/// Waits for the state `s` while `browser` asks.
async fn play<T>(browser: impl AsyncFnOnce(u16) -> T) -> (Option<String>, T) {
    let listener = Listener::bind("127.0.0.1", 0).await.unwrap();
    let port = listener.port();
    let command = async {
        let answered = listener.answer("s", LIMIT).await?;
        let seen = format!(
            "{} {}",
            answered.parameter("state").unwrap_or("-"),
            answered.parameter("code").unwrap_or("-"),
        );
        answered.show(Page::logged_in()).await;
        Some(seen)
    };
    tokio::join!(command, browser(port))
}

#[tokio::test]
async fn the_answer_is_taken_and_the_browser_is_shown_a_page() {
    let (seen, page) =
        play(async |port| get(port, "/oidc/callback?state=s&code=a%2Bb+c").await).await;
    assert_eq!(seen.unwrap(), "s a+b c");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
    assert!(page.contains("You are logged in"), "{page}");
}

#[tokio::test]
async fn a_posted_answer_is_taken_as_well() {
    let post = async |port| ask(port, "POST /oidc/callback", "state=s&code=c").await;
    let (seen, _) = play(post).await;
    assert_eq!(seen.unwrap(), "s c");
}

#[tokio::test]
async fn what_is_not_of_this_login_is_turned_away_and_the_waiting_goes_on() {
    let (seen, pages) = play(async |port| {
        let mut pages = Vec::new();
        for target in [
            "/",
            "/oidc/callback",
            "/oidc/callback/?state=s&code=c",
            "/oidc/callback?state=other&code=evil",
            "/oidc/callback?state=S&code=evil",
            "/oidc/callback?state=s&state=s&code=evil",
            "/oidc/callback?code=evil",
            "/oidc/callback?state=%3Cscript%3E&error=%3Cscript%3E",
        ] {
            pages.push(get(port, target).await);
        }
        pages.push(ask(port, "PUT /oidc/callback?state=s", "").await);
        pages.push(ask(port, "POST /oidc/callback?state=s&code=evil", "").await);
        let fill = "x".repeat(BODY_BYTES_MAX + 1);
        let large = format!("state=s&code={fill}");
        pages.push(ask(port, "POST /oidc/callback", &large).await);
        get(port, "/oidc/callback?state=s&code=good").await;
        pages
    })
    .await;
    assert_eq!(seen.unwrap(), "s good");
    for page in pages {
        assert!(page.starts_with("HTTP/1.1 4"), "{page}");
        assert!(!page.contains("script") && !page.contains("evil"), "{page}");
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_nobody_up() {
    let (seen, _) = play(async |port| {
        let idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let page = get(port, "/oidc/callback?state=s&code=c").await;
        drop(idle);
        page
    })
    .await;
    assert_eq!(seen.unwrap(), "s c");
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let listener = Listener::bind("127.0.0.1", 0).await.unwrap();
    assert!(listener.answer("s", Duration::ZERO).await.is_none());
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let first = Listener::bind("127.0.0.1", 0).await.unwrap();
    let second = Listener::bind("127.0.0.1", first.port()).await;
    assert_eq!(second.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    assert!(Listener::bind("localhost", 0).await.is_ok());
}
