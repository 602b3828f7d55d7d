//! The routes, and what they share.

mod agents;
mod app;
mod attach;
mod changes;
mod config;
mod daytona;
mod files;
mod images;
mod input;
mod log;
mod runs;
mod sandboxes;
mod stream;
mod upload;
mod views;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use stigmer_engine::engine::Engine;
use tokio_util::task::TaskTracker;
use utoipa::OpenApi as _;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::LARGEST_BODY;

/// The address at which the API can be reached over HTTP, told once it can be; and the runs that were handed over
/// through it.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    address: Arc<OnceLock<SocketAddr>>,
    attached: TaskTracker,
}

impl Reach {
    /// Tells the address. The first time counts.
    pub fn tell(&self, address: SocketAddr) {
        // A second server in one process is not made; the first stays true.
        let _ = self.address.set(address);
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// Connections whose owners are still told how their runs ended.
    pub(crate) fn attached(&self) -> &TaskTracker {
        &self.attached
    }
}

/// What handlers have.
#[derive(Clone)]
struct Shared {
    engine: Engine,
    reach: Reach,
}

impl FromRef<Shared> for Engine {
    fn from_ref(shared: &Shared) -> Self {
        shared.engine.clone()
    }
}

impl FromRef<Shared> for Reach {
    fn from_ref(shared: &Shared) -> Self {
        shared.reach.clone()
    }
}

/// The whole API over an engine, without guards: whoever can call this router may do everything.
pub fn api(engine: Engine, reach: Reach) -> Router {
    let (router, _) = routes().into_parts(about());
    router
        .route("/api/openapi.json", get(async || Json(description())))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Shared { engine, reach })
}

/// The description of the API, as `/api/openapi.json` has it.
pub fn description() -> OpenApi {
    let mut description = routes().into_parts(about()).1;
    // Of structs it is derived that there are no other names, of enums it is not.
    for name in ["Work", "Code", "Input"] {
        let schemas = description.components.as_mut().map(|components| &mut components.schemas);
        if let Some(RefOr::T(schema)) = schemas.and_then(|schemas| schemas.get_mut(name)) {
            close(schema);
        }
    }
    description
}

/// Says of the objects of an enum that they have no other names.
fn close(schema: &mut Schema) {
    let closed = |schema: &mut RefOr<Schema>| match schema {
        RefOr::T(schema) => close(schema),
        RefOr::Ref(_) => {}
    };
    match schema {
        Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(closed),
        Schema::Object(object) if !object.properties.is_empty() => {
            object.properties.values_mut().for_each(closed);
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        _ => {}
    }
}

fn routes() -> Routes<Shared> {
    let routes = Routes::new();
    let routes = app::routes(routes);
    let routes = runs::routes(routes);
    let routes = input::routes(routes);
    let routes = log::routes(routes);
    let routes = views::routes(routes);
    let routes = stream::routes(routes);
    let routes = changes::routes(routes);
    let routes = attach::routes(routes);
    let routes = files::routes(routes);
    let routes = upload::routes(routes);
    let routes = config::routes(routes);
    let routes = images::routes(routes);
    let routes = sandboxes::routes(routes);
    let routes = daytona::routes(routes);
    agents::routes(routes)
}

/// What stands above the routes.
fn about() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(
        info(
            title = "Stigmer",
            description = "Runs commands where you choose, and keeps what they print. Every failure is a report \
                           with a code that docs/errors.md explains.",
        ),
        components(schemas(crate::form::Report)),
        security(("token" = [])),
    )]
    struct About;

    let mut about = About::openapi();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    about.components.get_or_insert_default().add_security_scheme("token", token);
    about
}

/// Does what waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> stigmer_engine::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.unwrap_or(Err(stigmer_engine::Error::Stopped))?)
}

async fn no_route(request: Request) -> Response {
    Refusal::from(Problem::NoRoute { path: request.uri().path().to_owned() }).into_response()
}

async fn wrong_method(request: Request) -> Response {
    Refusal::from(Problem::Method { method: request.method().to_string() }).into_response()
}
