//! Files, and the links between them.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::Names;
use crate::path::shown;
use crate::{Error, Memory, markdown, tree};

/// How many files a graph takes in; the best linked are kept.
pub const GRAPH_NODES_MAX: usize = 500;
/// How many links a graph takes in.
pub const GRAPH_EDGES_MAX: usize = 4000;
/// How many relations an edge names.
const EDGE_RELATIONS_MAX: usize = 8;
/// How many facts a node repeats.
const NODE_FACTS_MAX: usize = 8;

/// The files of a memory and the links between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// By path.
    pub nodes: Vec<Node>,
    /// By the nodes they join.
    pub edges: Vec<Edge>,
    /// Files that were left out because there are too many.
    pub left_out: usize,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its path from the root.
    pub path: String,
    /// Its first heading, or its name.
    pub title: String,
    /// Its first facts.
    pub facts: Vec<String>,
}

/// Links from one file to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node that links.
    pub from: usize,
    /// Index of the node that is linked to.
    pub to: usize,
    /// The names of the facts that contain the links, the first eight.
    pub relations: Vec<String>,
}

impl Memory {
    /// The entities and links of the memory. Links are read with good will, in
    /// both modes; those that name no file are left out, [`Memory::check`]
    /// finds them.
    ///
    /// # Errors
    /// If the memory cannot be walked; files that cannot be read have no links.
    pub fn graph(&self) -> Result<Graph, Error> {
        self.check_root()?;
        let files = tree::files(self.root(), false).map_err(|errno| Error::system(errno, ""))?;
        let files = files.into_iter().map(|file| file.path);
        let paths: Vec<String> = files.filter(|path| path.ends_with(".md")).collect();
        let mut names: Names = paths.iter().cloned().collect();
        for path in &paths {
            names.alias(
                path,
                &markdown::aliases(&self.text(path).unwrap_or_default()),
            );
        }
        let mut links: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        let mut nodes = Vec::new();
        for path in &paths {
            let text = self.text(path).unwrap_or_default();
            for link in markdown::links(&text) {
                let to = names.resolve_from(folder(path), link.text);
                let Some(to) = to.filter(|to| to != path) else {
                    continue;
                };
                let relations = links.entry((path.clone(), to.to_owned())).or_default();
                relations.extend(link.relation.map(shown));
            }
            nodes.push(node(path, &text));
        }
        Ok(Graph::new(nodes, links))
    }
}

/// The folder of a file.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn node(path: &str, text: &str) -> Node {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".md").unwrap_or(name);
    let facts = markdown::lines(text).filter(|(_, line)| markdown::fact(line).is_some());
    Node {
        path: path.to_owned(),
        title: shown(markdown::heading(text).unwrap_or(name)),
        facts: facts
            .take(NODE_FACTS_MAX)
            .map(|(_, line)| shown(line))
            .collect(),
    }
}

impl Graph {
    fn new(nodes: Vec<Node>, links: BTreeMap<(String, String), BTreeSet<String>>) -> Self {
        let mut degrees: BTreeMap<&str, usize> = BTreeMap::new();
        for (from, to) in links.keys() {
            *degrees.entry(from).or_default() += 1;
            *degrees.entry(to).or_default() += 1;
        }
        let degree = |node: &Node| degrees.get(node.path.as_str()).copied().unwrap_or(0);
        let mut kept: Vec<&Node> = nodes.iter().collect();
        // A stable sort: among equals the first by path are kept.
        kept.sort_by_key(|node| std::cmp::Reverse((node.path == "user.md", degree(node))));
        kept.truncate(GRAPH_NODES_MAX);
        let left_out = nodes.len() - kept.len();
        kept.sort_by(|a, b| a.path.cmp(&b.path));
        let indices = kept.iter().enumerate();
        let indices: BTreeMap<&str, usize> = indices
            .map(|(index, node)| (node.path.as_str(), index))
            .collect();
        let edges = links.iter().filter_map(|((from, to), relations)| {
            Some(Edge {
                from: *indices.get(from.as_str())?,
                to: *indices.get(to.as_str())?,
                relations: relations.iter().take(EDGE_RELATIONS_MAX).cloned().collect(),
            })
        });
        let edges = edges.take(GRAPH_EDGES_MAX).collect();
        Self {
            nodes: kept.into_iter().cloned().collect(),
            edges,
            left_out,
        }
    }
}
