//! A router and its description, made in one step so that neither has what the other lacks.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use utoipa::openapi::path::Paths;
use utoipa::openapi::{ComponentsBuilder, HttpMethod, OpenApi, RefOr, Schema};
use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
};

/// Handlers with what they say about themselves.
pub(crate) struct Routes<S> {
    router: Router<S>,
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), paths: Paths::new(), schemas: Vec::new() }
    }

    /// Adds a handler at the path and the method of its description, which `utoipa::path` made from its
    /// documentation and types.
    #[must_use]
    pub(crate) fn with<P, H, T>(mut self, _: P, handler: H) -> Self
    where
        P: Path + SchemaReferences + for<'t> Tags<'t>,
        H: Handler<T, S>,
        T: 'static,
    {
        let path = P::path();
        let methods = P::methods().iter().map(filter).reduce(MethodFilter::or);
        let Some(methods) = methods else { return self };
        let mut operation = P::operation();
        operation.operation_id = Some(name(&path, &P::methods()));
        operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
        self.paths.add_path_operation(&path, P::methods(), operation);
        P::schemas(&mut self.schemas);
        Self { router: self.router.route(&path, on(methods, handler)), ..self }
    }

    /// The router, and what it says about itself added to `about`.
    pub(crate) fn into_parts(self, mut about: OpenApi) -> (Router<S>, OpenApi) {
        about.paths.paths.extend(self.paths.paths);
        let mut components = about.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
        components.schemas.extend(self.schemas);
        about.components = Some(components);
        (self.router, about)
    }
}

/// What an operation is called in the description, as `get_runs_id_log`. Functions of two modules may have one name.
fn name(path: &str, methods: &[HttpMethod]) -> String {
    let mut words: Vec<&str> = methods.iter().map(word).collect();
    words.extend(path.split(['/', '{', '}']).filter(|word| !["", "api", "v1"].contains(word)));
    words.join("_")
}

const fn word(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "get",
        HttpMethod::Put => "put",
        HttpMethod::Post => "post",
        HttpMethod::Delete => "delete",
        HttpMethod::Options => "options",
        HttpMethod::Head => "head",
        HttpMethod::Patch => "patch",
        HttpMethod::Trace => "trace",
    }
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}
