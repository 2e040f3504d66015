//! How the wires of an interface are connected: linked through a level of the hierarchy, or joined side by side.

use super::{Value, Wire};
use crate::rust_hdl::ast::{VerilogLink, VerilogLinkDetails};
use crate::rust_hdl::prelude::*;

fn details(my_name: &str, owner_name: &str, other_name: &str) -> VerilogLinkDetails {
    VerilogLinkDetails { my_name: my_name.into(), owner_name: owner_name.into(), other_name: other_name.into() }
}

impl<T: Value> LogicLink for Wire<In, T> {
    fn link(&mut self, child: &mut Self) {
        child.next = self.val();
    }
    fn link_hdl(name: &str, own: &str, child: &str) -> Vec<VerilogLink> {
        vec![VerilogLink::Forward(details(name, own, child))]
    }
    fn link_connect_source(&mut self) {}
    fn link_connect_dest(&mut self) {
        self.connect();
    }
}

impl<T: Value> LogicLink for Wire<Out, T> {
    fn link(&mut self, child: &mut Self) {
        self.next = child.val();
    }
    fn link_hdl(name: &str, own: &str, child: &str) -> Vec<VerilogLink> {
        vec![VerilogLink::Backward(details(name, own, child))]
    }
    fn link_connect_source(&mut self) {
        self.connect();
    }
    fn link_connect_dest(&mut self) {}
}

impl<T: Value> LogicJoin for Wire<In, T> {
    fn join_connect(&mut self) {
        self.connect();
    }
    fn join_hdl(name: &str, left: &str, right: &str) -> Vec<VerilogLink> {
        vec![VerilogLink::Backward(details(name, left, right))]
    }
}

impl<T: Value> LogicJoin for Wire<Out, T> {
    fn join_hdl(name: &str, left: &str, right: &str) -> Vec<VerilogLink> {
        vec![VerilogLink::Forward(details(name, left, right))]
    }
}

impl<T: Value> Wire<In, T> {
    /// Takes the value of the output `other` of a block beside.
    pub fn join(&mut self, other: &mut Wire<Out, T>) {
        self.next = other.val();
    }
}

impl<T: Value> Wire<Out, T> {
    /// Gives the value to the input `other` of a block beside.
    pub fn join(&mut self, other: &mut Wire<In, T>) {
        other.next = self.val();
    }
}
