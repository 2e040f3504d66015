//! Weights of a whole graph.
