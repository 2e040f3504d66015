//! Walks a block tree and keeps one [`Shape`] for each distinct module.

use std::collections::HashMap;

use crate::rust_hdl::ast::Verilog;
use crate::rust_hdl::atom::{Atom, AtomKind};
use crate::rust_hdl::prelude::{Block, Probe};
use crate::rust_hdl::type_descriptor::TypeKind;

use super::identifier::{Identifiers, is_identifier};
use super::key::Key;
use super::module;
use super::number::literal;
use super::shape::{Child, Field, Instance, Parameter, Port, Role, Shape, ShapeId};
use super::statement::dotted;
use crate::emit::EmitError;
use crate::wire::{MEMORY_FOLDER, ModuleName, PREFIX};

#[derive(Debug, Default)]
struct Scope {
    name: String,
    interfaces: Vec<String>,
    fields: Vec<Field>,
    children: Vec<Child>,
    module: Option<Declared>,
}

/// What a block says of its module by a [`ModuleName`].
#[derive(Debug)]
struct Declared {
    name: String,
    about: String,
    parameters: Vec<Parameter>,
}

impl Declared {
    /// The module of a [`ModuleName`] whose type has the given variants.
    fn of(variants: &[String]) -> Option<Declared> {
        let (name, rest) = variants.split_first()?;
        let (about, parameters) = rest.split_first()?;
        let parameter = |text: &String| {
            let (name, rest) = text.split_once('=')?;
            let (value, ports) = rest.split_once(':')?;
            let ports = ports.split(',').map(str::to_owned).collect();
            Some(Parameter { name: name.to_owned(), value: value.parse().ok()?, ports })
        };
        let parameters = parameters.iter().map(parameter).collect::<Option<_>>()?;
        Some(Declared { name: name.clone(), about: about.clone(), parameters })
    }
}

/// What makes two instances one shape: the wanted name, all text and the values of parameters.
type Identity = (Option<String>, String, Vec<Instance>, String, Vec<Parameter>);

/// The probe that [`design`](super::design) sends through the tree.
pub(super) struct Collector {
    scopes: Vec<Scope>,
    shapes: Vec<Shape>,
    by_key: HashMap<Vec<u8>, ShapeId>,
    by_text: HashMap<Identity, ShapeId>,
    /// The first error; nothing is translated after it.
    error: Option<EmitError>,
    root: Option<ShapeId>,
    root_name: String,
    /// What the names of modules and memory files begin with.
    prefix: String,
}

impl Collector {
    pub(super) fn new(root_name: &str, prefix: &str) -> Collector {
        Collector {
            scopes: Vec::new(),
            shapes: Vec::new(),
            by_key: HashMap::new(),
            by_text: HashMap::new(),
            error: None,
            root: None,
            root_name: root_name.into(),
            prefix: prefix.into(),
        }
    }

    /// All modules and the root among them.
    pub(super) fn finish(self) -> Result<(Vec<Shape>, ShapeId), EmitError> {
        match (self.error, self.root) {
            (Some(error), _) => Err(error),
            (None, Some(root)) => Ok((self.shapes, root)),
            (None, None) => Err(EmitError::Unsupported {
                module: self.root_name,
                signal: "the root".into(),
                construct: "a root that is not a block with fields".into(),
                instead: "emit a struct that derives `LogicBlock`".into(),
            }),
        }
    }

    /// The path of the current instance, `top.pe[3]`.
    fn path(&self) -> String {
        let names: Vec<String> = self.scopes.iter().map(|scope| dotted(&scope.name)).collect();
        names.join(".")
    }

    fn fail(&mut self, error: EmitError) {
        self.error.get_or_insert(error);
    }

    fn field(&mut self, name: String, atom: &dyn Atom) -> Result<Option<Field>, EmitError> {
        let unsupported = |construct: &str, instead: &str| EmitError::Unsupported {
            module: self.path(),
            signal: dotted(&name),
            construct: construct.into(),
            instead: instead.into(),
        };
        let descriptor = atom.descriptor();
        let is_constant = atom.kind() == AtomKind::Constant;
        if let (true, 0, ModuleName::TYPE, TypeKind::Enum(variants)) =
            (is_constant, atom.bits(), descriptor.name.as_str(), &descriptor.kind)
        {
            let declared = Declared::of(variants).filter(|module| is_identifier(&module.name));
            if declared.is_none() {
                return Err(EmitError::BadModuleName { name: variants.join(" ") });
            }
            if let Some(scope) = self.scopes.last_mut() {
                scope.module = declared;
            }
            return Ok(None);
        }
        let role = match atom.kind() {
            AtomKind::InputParameter => Role::Input,
            AtomKind::OutputParameter | AtomKind::OutputPassthrough => Role::Output,
            AtomKind::LocalSignal => Role::Local,
            AtomKind::Constant => match literal(&atom.verilog()) {
                Some((value, _)) => Role::Constant(value),
                None => return Err(unsupported("a negative parameter", "store it as two's complement")),
            },
            AtomKind::InOutParameter | AtomKind::StubInputSignal | AtomKind::StubOutputSignal => {
                return Err(unsupported("a bidirectional signal", "use separate wires for the two directions"));
            }
        };
        if atom.bits() == 0 {
            return Err(EmitError::ZeroWidth { module: self.path(), signal: dotted(&name) });
        }
        // The root's inputs are driven by whoever instantiates it.
        let driven_outside = role == Role::Input && self.scopes.len() == 1;
        if !is_constant && !driven_outside && !atom.connected() {
            return Err(EmitError::NotDriven { module: self.path(), signal: dotted(&name) });
        }
        let variants = match descriptor.kind {
            TypeKind::Enum(variants) => variants,
            _ => Vec::new(),
        };
        Ok(Some(Field { name, role, width: atom.bits(), variants }))
    }

    fn leave(&mut self, scope: &Scope, body: &Verilog) -> Result<Option<ShapeId>, EmitError> {
        let is_root = self.scopes.is_empty();
        let is_silent = scope.children.is_empty() && !scope.fields.iter().any(|field| field.role == Role::Output);
        if matches!(body, Verilog::Empty) && is_silent && !is_root {
            return Ok(None);
        }
        let key = key(scope, body);
        if let Some(id) = self.by_key.get(&key) {
            return Ok(Some(*id));
        }
        let mut identifiers = Identifiers::default();
        let parameters = scope.module.as_ref().map_or(&[][..], |module| &module.parameters);
        let ports = ports(&scope.fields, parameters, &mut identifiers);
        let path = match self.path() {
            path if path.is_empty() => dotted(&scope.name),
            path => format!("{path}.{}", dotted(&scope.name)),
        };
        let text = match body {
            Verilog::Combinatorial(body) => {
                module::kernel(body, scope_view(scope), &ports, identifiers, &self.shapes, &path)?
            }
            Verilog::Empty => module::kernel(&[], scope_view(scope), &ports, identifiers, &self.shapes, &path)?,
            Verilog::Custom(body) => match scope.children.first() {
                Some(child) => {
                    return Err(EmitError::CustomWithChildren { module: path, child: dotted(&child.name) });
                }
                None => module::custom(&body.replace(PREFIX, &self.prefix), &ports),
            },
            Verilog::Blackbox(_) | Verilog::Wrapper(_) => {
                return Err(EmitError::Unsupported {
                    module: path,
                    signal: "the body".into(),
                    construct: "a black box or wrapper".into(),
                    instead: "use `Verilog::Custom` with an instance of the vendor's primitive".into(),
                });
            }
        };
        if let (Some(parameter), false) = (parameters.first(), matches!(body, Verilog::Custom(_))) {
            return Err(EmitError::Unsupported {
                module: path,
                signal: parameter.name.clone(),
                construct: "a module parameter beside a kernel".into(),
                instead: "let the width be part of the module's name, or write a custom body".into(),
            });
        }
        let name = scope.module.as_ref().map(|module| module.name.clone());
        let identity = (name, text.head, text.instances, text.tail, parameters.to_vec());
        let about = scope.module.as_ref().map(|module| module.about.clone()).unwrap_or_default();
        let id = match self.by_text.get(&identity) {
            Some(id) => *id,
            None => self.new_shape(identity, about, &path, ports),
        };
        self.by_key.insert(key, id);
        Ok(Some(id))
    }

    fn new_shape(&mut self, identity: Identity, about: String, path: &str, ports: Vec<Port>) -> ShapeId {
        let id = self.shapes.len();
        self.by_text.insert(identity.clone(), id);
        let (name, head, instances, tail, parameters) = identity;
        let name = name.unwrap_or_else(|| path.replace('[', "_").replace(']', "").replace('.', "_"));
        let wanted = format!("{}{name}", self.prefix);
        let reads_memories =
            tail.contains(MEMORY_FOLDER) || instances.iter().any(|instance| self.shapes[instance.shape].reads_memories);
        self.shapes.push(Shape { wanted, about, parameters, reads_memories, ports, head, instances, tail });
        id
    }
}

fn scope_view(scope: &Scope) -> (&[Field], &[Child]) {
    (&scope.fields, &scope.children)
}

impl Probe for Collector {
    fn visit_start_scope(&mut self, name: &str, _node: &dyn Block) {
        self.scopes.push(Scope { name: name.into(), ..Scope::default() });
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.interfaces.push(name.into());
        }
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.interfaces.pop();
        }
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let Some(scope) = self.scopes.last().filter(|_| self.error.is_none()) else { return };
        let name = scope.interfaces.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("$");
        match self.field(name, signal) {
            Ok(field) => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.fields.extend(field);
                }
            }
            Err(error) => self.fail(error),
        }
    }

    fn visit_end_scope(&mut self, _name: &str, node: &dyn Block) {
        let Some(scope) = self.scopes.pop().filter(|_| self.error.is_none()) else { return };
        match self.leave(&scope, &node.hdl()) {
            Ok(shape) => match self.scopes.last_mut() {
                Some(parent) => {
                    let inputs = scope.fields.iter().filter(|field| shape.is_none() && field.role == Role::Input);
                    let inputs = inputs.map(|field| (field.name.clone(), field.width)).collect();
                    parent.children.push(Child { name: scope.name, shape, inputs });
                }
                None => self.root = shape,
            },
            Err(error) => self.fail(error),
        }
    }
}

fn ports(fields: &[Field], parameters: &[Parameter], identifiers: &mut Identifiers) -> Vec<Port> {
    let parameter = |field: &Field| parameters.iter().find(|parameter| parameter.ports.contains(&field.name));
    let ports = fields.iter().filter(|field| matches!(field.role, Role::Input | Role::Output));
    ports
        .map(|field| Port {
            field: field.name.clone(),
            name: identifiers.unique(&field.name),
            is_output: field.role == Role::Output,
            width: field.width,
            parameter: parameter(field).map(|parameter| parameter.name.clone()),
            variants: field.variants.clone(),
        })
        .collect()
}

fn key(scope: &Scope, body: &Verilog) -> Vec<u8> {
    let mut key = Key::default();
    key.string(scope.module.as_ref().map_or("", |module| &module.name));
    let parameters = scope.module.as_ref().map_or(&[][..], |module| &module.parameters);
    key.number(parameters.len());
    for parameter in parameters {
        key.string(&parameter.name);
        key.number(parameter.value);
    }
    key.number(scope.fields.len());
    for field in &scope.fields {
        key.string(&field.name);
        match &field.role {
            Role::Input => key.tag(0),
            Role::Output => key.tag(1),
            Role::Local => key.tag(2),
            Role::Constant(value) => {
                key.tag(3);
                key.string(&value.to_str_radix(16));
            }
        }
        key.number(field.width);
        key.number(field.variants.len());
        field.variants.iter().for_each(|variant| key.string(variant));
    }
    key.number(scope.children.len());
    for child in &scope.children {
        key.string(&child.name);
        key.number(child.shape.map_or(0, |shape| shape + 1));
        key.number(child.inputs.len());
        for (name, width) in &child.inputs {
            key.string(name);
            key.number(*width);
        }
    }
    match body {
        Verilog::Custom(text) => {
            key.tag(0);
            key.string(text);
        }
        Verilog::Combinatorial(block) => {
            key.tag(1);
            key.block(block);
        }
        Verilog::Empty => key.tag(2),
        // Refused before they could be compared.
        Verilog::Blackbox(_) | Verilog::Wrapper(_) => key.tag(3),
    }
    key.into_bytes()
}
