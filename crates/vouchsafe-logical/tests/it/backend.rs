//! Route tables: which route a path finds, and which handler an operation.

use serde_json::json;
use vouchsafe_logical::{
    Access, Answer, Call, CallerSummary, Data, Duties, ErrorKind, Method, MountSummary, Mounted,
    Operation, Pool, Reply, Request, RequestPath, Response, Route, input, run_on,
};
use vouchsafe_testing::TestSystem;

struct Shelf;

impl Duties for Shelf {}

input! {
    /// Body of `book/{name}`.
    pub(crate) struct BookInput {
        /// The name of the book.
        name: String,
        /// How many pages it has.
        pages: Option<i64>,
        /// What it is.
        r#type: Option<String>,
    }
}

fn show<'a>(_shelf: &'a Shelf, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: BookInput = call.input()?;
        let mut data = Data::new();
        data.insert("name".to_owned(), input.name.into());
        data.insert("pages".to_owned(), json!(input.pages));
        data.insert("type".to_owned(), json!(input.r#type));
        data.insert("operation".to_owned(), call.operation.to_string().into());
        Ok(Reply::data(data))
    })
}

const NEWEST: Route<Shelf> = Route {
    pattern: "book/newest",
    access: Access::Public,
    methods: &[Method::read(show)],
    exists: None,
    help: "Show the newest book.",
};

const BOOK: Route<Shelf> = Route {
    pattern: "book/{name}",
    access: Access::Token,
    methods: &[
        Method::with::<BookInput>(Operation::Read, show),
        Method::update::<BookInput>(show),
    ],
    exists: None,
    help: "Show or write a book.",
};

async fn call(path: &str, operation: Operation, data: Data) -> Result<Data, ErrorKind> {
    let backend = Mounted::open(Shelf, &[&NEWEST, &BOOK]);
    let matched = backend.find(path).ok_or(ErrorKind::UnsupportedPath)?;
    let request = Request {
        id: String::new(),
        operation,
        path: RequestPath::parse(path).expect("a path"),
        data,
        token: None,
        remote: None,
        login: None,
        wrap_ttl: None,
        headers: Vec::new(),
    };
    let mount = MountSummary {
        accessor: "shelf_1".to_owned(),
        kind: "shelf".to_owned(),
        path: "shelf/".to_owned(),
        local: false,
        default_lease_ttl: std::time::Duration::ZERO,
        max_lease_ttl: std::time::Duration::ZERO,
    };
    let call = Call {
        request: &request,
        operation,
        path,
        captures: matched.captures,
        caller: &CallerSummary::default(),
        mount: &mount,
    };
    match backend.call(matched.index, call).await {
        Ok(Reply {
            response: Response::Data(data),
            ..
        }) => Ok(data),
        Ok(other) => panic!("{other:?} is no data"),
        Err(error) => Err(error.kind()),
    }
}

fn data(value: serde_json::Value) -> Data {
    value.as_object().cloned().expect("an object")
}

#[tokio::test]
async fn what_the_path_says_wins_over_what_the_data_says() {
    let sent = data(json!({"name": "b", "pages": "12", "type": "novel"}));
    let shown = call("book/a", Operation::Update, sent).await;
    let expected = json!({"name": "a", "pages": 12, "type": "novel", "operation": "update"});
    assert_eq!(shown, Ok(data(expected)));
}

#[tokio::test]
async fn a_create_is_served_by_the_update() {
    let shown = call("book/a", Operation::Create, Data::new()).await;
    assert_eq!(
        shown.map(|data| data["operation"].clone()),
        Ok(json!("create"))
    );
}

#[tokio::test]
async fn routes_are_tried_in_order() {
    let shown = call("book/newest", Operation::Update, Data::new()).await;
    assert_eq!(shown, Err(ErrorKind::UnsupportedOperation));
    let shown = call("book", Operation::Read, Data::new()).await;
    assert_eq!(shown, Err(ErrorKind::UnsupportedPath));
}

#[test]
fn a_table_declares_its_fields_by_their_wire_names() {
    let backend = Mounted::open(Shelf, &[&NEWEST, &BOOK]);
    for (index, name, declared) in [
        (1, "pages", true),
        (1, "type", true),
        (1, "r#type", false),
        (0, "pages", false),
        (2, "pages", false),
    ] {
        assert_eq!(backend.declares(index, name), declared, "{index} {name}");
    }
}

#[tokio::test]
async fn a_job_that_panics_is_an_error_for_the_one_who_waits() {
    let system = TestSystem::new();
    let answer = run_on(&*system, Pool::Slow, || 7).await;
    assert_eq!(answer.ok(), Some(7));
    let answer = run_on(&*system, Pool::Slow, || -> u8 { panic!("on purpose") }).await;
    assert_eq!(
        answer.err().map(|error| error.kind()),
        Some(ErrorKind::Internal)
    );
}
