//! Connections, until the double ends.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use crate::cloud::Cloud;
use crate::reply::Refusal;
use crate::{api, control, gate, toolbox};

/// What every path outside the API shows.
pub(crate) const PAGE: &str =
    "<!doctype html><html><head><title>Daytona</title></head><body><div id=\"root\"></div></body></html>\n";

/// Serves until the double is closing, and then ends everything that runs in its sandboxes.
pub(crate) async fn serve(cloud: Arc<Cloud>, listener: TcpListener) {
    let router = routes(&cloud);
    tokio::spawn(api::timers(Arc::clone(&cloud)));
    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = cloud.closing.cancelled() => break,
            };
            if let Ok((stream, _)) = accepted {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(Arc::clone(&cloud), router.clone(), stream));
            }
        }
    }
    let running: Vec<_> = cloud.world().sandboxes.iter_mut().filter_map(|each| each.toolbox.take()).collect();
    for toolbox in running {
        toolbox.end().await;
    }
}

async fn connection(cloud: Arc<Cloud>, router: Router, stream: tokio::net::TcpStream) {
    let answer = service_fn(move |request| gate::answer(Arc::clone(&cloud), router.clone(), request));
    let mut http = hyper::server::conn::http1::Builder::new();
    let served = http.preserve_header_case(true).serve_connection(TokioIo::new(stream), answer);
    // A connection that ends in any way ends nothing else.
    let _ = served.with_upgrades().await;
}

fn routes(cloud: &Arc<Cloud>) -> Router {
    Router::new()
        .nest("/api", api::routes().fallback(unknown))
        .nest("/analytics", api::analytics())
        .nest("/__double", control::routes())
        .merge(api::build_logs())
        .merge(toolbox::routes())
        .fallback(page)
        .method_not_allowed_fallback(unknown)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(Arc::clone(cloud))
}

/// A path below `/api` that there is not.
async fn unknown(method: Method, uri: Uri) -> Refusal {
    Refusal::missing(format!("Cannot {method} /api{}", uri.path()))
}

/// The dashboard, which answers for every path that nobody else does.
async fn page() -> Result<Response, Infallible> {
    let page = (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], Body::from(PAGE));
    Ok(page.into_response())
}
