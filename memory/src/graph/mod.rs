//! The entities of a memory and the links between them.

mod layout;
mod linked;
mod svg;

pub use linked::{Edge, GRAPH_EDGES_MAX, GRAPH_NODES_MAX, Graph, Node};
