//! `sys/config/cors`.

use serde_json::json;
use vouchsafe_logical::{Access, Answer, Call, CommaList, Data, Method, Reply, Route, input};

use super::Sys;
use crate::cors::Cors;

input! {
    /// Body of `config/cors`.
    pub(crate) struct CorsInput {
        /// Origins, or `*` alone.
        allowed_origins: Option<CommaList>,
        /// Headers that pages may send besides the usual ones.
        allowed_headers: Option<CommaList>,
    }
}

pub(crate) const CORS: Route<Sys> = Route {
    pattern: "config/cors",
    access: Access::Sudo,
    methods: &[
        Method::read(read),
        Method::update::<CorsInput>(write),
        Method::delete(delete),
    ],
    exists: None,
    help: "Allow pages of other origins to talk to the server.",
};

fn read<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let cors = runtime.cors.in_force();
        let mut data = Data::new();
        data.insert("enabled".to_owned(), cors.enabled.into());
        if cors.enabled {
            data.insert("allowed_headers".to_owned(), json!(cors.headers));
            data.insert("allowed_origins".to_owned(), json!(cors.origins));
        }
        Ok(Reply::data(data).at_top_level())
    })
}

fn write<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: CorsInput = call.input()?;
        let origins = input.allowed_origins.unwrap_or_default().0;
        let headers = input.allowed_headers.unwrap_or_default().0;
        set(sys, Cors::allow(origins, headers)?).await
    })
}

fn delete<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(set(sys, Cors::default()))
}

async fn set(sys: &Sys, cors: Cors) -> Result<Reply, vouchsafe_logical::Error> {
    let runtime = sys.runtime()?;
    runtime
        .cors
        .change(|stored| {
            stored.clone_from(&cors);
            Ok(())
        })
        .await?;
    Ok(Reply::empty())
}
