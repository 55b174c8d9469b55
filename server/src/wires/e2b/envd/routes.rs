//! Which call is answered by which handler.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::super::state::E2b;
use super::{access, download, filesystem, process, upload, watching};

pub(in super::super) fn router(state: &E2b) -> Router {
    Router::new()
        .route("/health", get(access::health))
        .route("/envs", get(access::variables))
        .route("/files", get(download::download).post(upload::upload))
        .route("/filesystem.Filesystem/Stat", post(filesystem::stat))
        .route("/filesystem.Filesystem/MakeDir", post(filesystem::make_dir))
        .route("/filesystem.Filesystem/Move", post(filesystem::move_entry))
        .route("/filesystem.Filesystem/ListDir", post(filesystem::list_dir))
        .route("/filesystem.Filesystem/Remove", post(filesystem::remove))
        .route("/filesystem.Filesystem/WatchDir", post(watching::watch_dir))
        .route(
            "/filesystem.Filesystem/CreateWatcher",
            post(watching::create),
        )
        .route(
            "/filesystem.Filesystem/GetWatcherEvents",
            post(watching::events),
        )
        .route(
            "/filesystem.Filesystem/RemoveWatcher",
            post(watching::remove),
        )
        .route("/process.Process/List", post(process::list))
        .route("/process.Process/Start", post(process::start))
        .route("/process.Process/Connect", post(process::connect))
        .route("/process.Process/SendSignal", post(process::signal))
        .route("/process.Process/SendInput", post(process::other))
        .route("/process.Process/CloseStdin", post(process::other))
        .route("/process.Process/Update", post(process::other))
        .fallback(access::no_such_call)
        // Each handler has a bound of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(state.clone())
}
