//! The routes, and their description.

use axum::Router;
use axum::routing::{delete, get, post, put};
use utoipa::OpenApi;

use super::{agents, answers, files, memories, sandboxes, states, turns, variables};
use crate::http::problem::Problem;
use crate::service::Service;

/// The routes of the own API.
pub(crate) fn router() -> Router<Service> {
    Router::new()
        .route(
            "/v1/sandboxes",
            post(sandboxes::create).get(sandboxes::list),
        )
        .route(
            "/v1/sandboxes/{id}",
            get(sandboxes::show)
                .patch(sandboxes::change)
                .delete(sandboxes::remove),
        )
        .route("/v1/sandboxes/{id}/pause", post(sandboxes::pause))
        .route("/v1/sandboxes/{id}/resume", post(sandboxes::resume))
        .route("/v1/sandboxes/{id}/restart", post(states::restart))
        .route("/v1/sandboxes/{id}/usage", get(sandboxes::usage))
        .route(
            "/v1/sandboxes/{id}/turns",
            post(turns::run).get(states::history),
        )
        .route("/v1/sandboxes/{id}/variables", get(variables::list))
        .route("/v1/sandboxes/{id}/interrupt", post(turns::interrupt))
        .route(
            "/v1/sandboxes/{id}/waiting",
            get(answers::waiting).delete(answers::cancel),
        )
        .route("/v1/sandboxes/{id}/answers", post(answers::answer))
        .route("/v1/sandboxes/{id}/fork", post(states::fork))
        .route("/v1/sandboxes/{id}/rewind", post(states::rewind))
        .route("/v1/sandboxes/{id}/snapshots", post(states::snapshot))
        .route("/v1/snapshots", get(states::snapshots))
        .route("/v1/snapshots/{id}", delete(states::remove_snapshot))
        .route(
            "/v1/sandboxes/{id}/files",
            get(files::read).put(files::write).delete(files::remove),
        )
        .route("/v1/sandboxes/{id}/files/info", get(files::info))
        .route("/v1/sandboxes/{id}/files/move", post(files::rename))
        .route(
            "/v1/sandboxes/{id}/folders",
            get(files::list).put(files::make_folder),
        )
        .route("/v1/agents", get(agents::list))
        .route("/v1/runs", post(agents::start).get(agents::runs))
        .route("/v1/runs/{id}", get(agents::show).delete(agents::remove))
        .route("/v1/runs/{id}/events", get(agents::events))
        .route("/v1/runs/{id}/cancel", post(agents::cancel))
        .route("/v1/memories", get(memories::list))
        .route(
            "/v1/memories/{name}",
            put(memories::create).delete(memories::remove),
        )
        .route("/v1/memories/{name}/ask", post(memories::ask))
        .route(
            "/v1/memories/{name}/tools",
            get(memories::tools).post(memories::call),
        )
        .route(
            "/v1/memories/{name}/files",
            get(memories::files).put(memories::write),
        )
        .route("/v1/tenant", get(sandboxes::tenant))
        .route("/v1/tenants", get(sandboxes::tenants))
}

/// The description of the own API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "memex",
        description = "Persistent, forkable Python sandboxes. Every request carries a key as `Authorization: Bearer KEY`; errors are RFC 9457 problems with a `remedy`.",
        version = "1"
    ),
    paths(
        sandboxes::create, sandboxes::list, sandboxes::show, sandboxes::change, sandboxes::remove,
        sandboxes::pause, sandboxes::resume, sandboxes::usage, sandboxes::tenant, sandboxes::tenants,
        turns::run, turns::interrupt, variables::list, answers::waiting, answers::cancel, answers::answer,
        states::history, states::fork, states::rewind, states::restart, states::snapshot,
        states::snapshots, states::remove_snapshot,
        files::read, files::write, files::remove, files::info, files::rename, files::list,
        files::make_folder,
        agents::list, agents::start, agents::runs, agents::show, agents::events, agents::cancel,
        agents::remove,
        memories::list, memories::create, memories::remove, memories::ask, memories::tools,
        memories::call, memories::files, memories::write,
    ),
    components(schemas(Problem)),
    modifiers(&Key),
    security(("key" = []))
)]
pub(crate) struct Description;

struct Key;

impl utoipa::Modify for Key {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}
