//! Inside each crate modules import one way only: among the children of a module no circle, whatever lies below each.
//!
//! A child may use its parent and a parent its children. A path counts for the deepest module that it names, so a circle
//! through what a parent passes on is one as well.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module by its path in the crate; the root is empty.
type Module = Vec<String>;

/// For each module its children and which of them import which, with one import of each kind as an example.
type Floors = BTreeMap<Module, BTreeMap<(String, String), String>>;

/// Crates whose sources are looked at: folders of the root and of `bindings`.
fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = [root.to_owned(), root.join("bindings")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let is_crate = |path: &PathBuf| ["lib.rs", "main.rs"].iter().any(|root| path.join("src").join(root).exists());
    let mut found: Vec<PathBuf> = entries.filter(is_crate).collect();
    found.sort();
    found
}

/// The source files below `folder`, each with its module.
fn sources(folder: &Path) -> Vec<(Module, String)> {
    fn walk(folder: &Path, module: &Module, found: &mut Vec<(Module, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                walk(&path, &[module.as_slice(), &[name]].concat(), found);
            } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests" {
                let of_file = if ["lib", "main", "mod"].contains(&name.as_str()) {
                    module.clone()
                } else {
                    [module.as_slice(), &[name]].concat()
                };
                found.push((of_file, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &Module::new(), &mut found);
    found
}

/// The text without comments and unit tests.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    own.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The paths that begin with `crate` or `super` in some code, groups of a `use` taken apart.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for start in ["crate::", "super::"] {
        for (place, _) in code.match_indices(start) {
            let before = code[..place].chars().next_back();
            if before.is_some_and(|c| is_word(c) || c == ':' || c == '$') {
                continue;
            }
            let mut tokens = Vec::new();
            let mut rest = &code[place..];
            // A path ends where neither a name, nor `::`, nor a group goes on.
            let mut depth = 0;
            loop {
                rest = if depth > 0 { rest.trim_start() } else { rest };
                let word: String = rest.chars().take_while(|c| is_word(*c)).collect();
                if !word.is_empty() {
                    rest = &rest[word.len()..];
                    tokens.push(word);
                } else if rest.starts_with("::") {
                    rest = &rest[2..];
                    tokens.push("::".to_owned());
                } else if rest.starts_with('{') && tokens.last().is_some_and(|last| last == "::" || depth > 0) {
                    rest = &rest[1..];
                    depth += 1;
                    tokens.push("{".to_owned());
                } else if depth > 0 && (rest.starts_with(',') || rest.starts_with('}')) {
                    depth -= usize::from(rest.starts_with('}'));
                    tokens.push(rest[..1].to_owned());
                    rest = &rest[1..];
                } else {
                    break;
                }
                if depth == 0 && tokens.last().is_some_and(|last| last == "}") {
                    break;
                }
            }
            expand(&mut tokens.into_iter().peekable(), &[], &mut found);
        }
    }
    found
}

/// One path or group of paths behind `before`.
fn expand(
    tokens: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    before: &[String],
    found: &mut Vec<Vec<String>>,
) {
    let mut path = before.to_vec();
    while let Some(token) = tokens.peek() {
        match token.as_str() {
            "::" => {
                tokens.next();
            }
            "{" => {
                tokens.next();
                loop {
                    expand(tokens, &path, found);
                    if tokens.next().is_none_or(|token| token == "}") {
                        return;
                    }
                }
            }
            "," | "}" => break,
            _ => {
                let word = tokens.next().unwrap();
                if path.last().is_some_and(|last| last == "as") {
                    path.pop();
                } else if word == "as" {
                    break;
                } else {
                    path.push(word);
                }
            }
        }
    }
    found.push(path);
}

/// The deepest module that a path names, seen from `from`.
fn resolve(path: &[String], from: &Module, modules: &BTreeSet<Module>) -> Module {
    let mut at = if path[0] == "crate" { Module::new() } else { from.clone() };
    for word in path {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => {
                at.pop();
            }
            _ => {
                let deeper = [at.as_slice(), std::slice::from_ref(word)].concat();
                if !modules.contains(&deeper) {
                    break;
                }
                at = deeper;
            }
        }
    }
    at
}

fn floors(sources: &[(Module, String)]) -> Floors {
    let modules: BTreeSet<Module> = sources.iter().map(|(module, _)| module.clone()).collect();
    let mut floors = Floors::new();
    for (module, text) in sources {
        for path in paths(&code(text)) {
            let target = resolve(&path, module, &modules);
            let common = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
            if common < module.len() && common < target.len() {
                let pair = (module[common].clone(), target[common].clone());
                let example = format!("{} uses {}", module.join("::"), path.join("::"));
                floors.entry(module[..common].to_vec()).or_default().entry(pair).or_insert(example);
            }
        }
    }
    floors
}

/// A circle among the children of a module: each import that it consists of.
fn circle(imports: &BTreeMap<(String, String), String>) -> Option<Vec<String>> {
    // What imports nothing that is left cannot be in a circle.
    let mut left: BTreeMap<&(String, String), &String> = imports.iter().collect();
    loop {
        let importing: BTreeSet<&String> = left.keys().map(|(from, _)| from).collect();
        let imported: BTreeSet<&String> = left.keys().map(|(_, to)| to).collect();
        let before = left.len();
        left = left.into_iter().filter(|((from, to), _)| importing.contains(to) && imported.contains(from)).collect();
        if left.len() == before {
            break;
        }
    }
    (!left.is_empty()).then(|| left.into_values().cloned().collect())
}

fn circles(sources: &[(Module, String)]) -> Vec<String> {
    let circle = |(parent, imports): (Module, BTreeMap<_, _>)| {
        Some(format!("in `{}`:\n  {}", parent.join("::"), circle(&imports)?.join("\n  ")))
    };
    floors(sources).into_iter().filter_map(circle).collect()
}

#[test]
fn no_modules_import_each_other() {
    let mut found = Vec::new();
    for folder in crates() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        found.extend(circles(&sources(&folder.join("src"))).into_iter().map(|circle| format!("{name} {circle}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What the compiler's modules stand on, from the ground up; `lower` stands beside and needs the ground alone.
#[test]
fn the_compiler_has_floors() {
    let floors_of_compiler = [
        "chip", "codes", "datapath", "blocks", "plan", "schedule", "estimate", "planner", "values", "lower", "replace",
        "report",
    ];
    let compiler = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("compiler/src");
    let imports = floors(&sources(&compiler)).remove(&Module::new()).unwrap();
    for ((from, to), example) in imports {
        let floor = |module: &String| floors_of_compiler.iter().position(|name| name == module);
        assert!(floor(&to).is_some() && floor(&to) < floor(&from), "{from} stands below {to}: {example}");
        assert!(from != "lower" || ["chip", "codes"].contains(&to.as_str()), "{example}");
    }
}

#[test]
fn a_planted_circle_is_found() {
    let source = |module: &str, text: &str| {
        let module = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        (module, text.to_owned())
    };
    let without = [
        source("", "mod a; mod b;"),
        source("a", "use crate::b::Thing;\nmod x;\n// use crate::c::Other;"),
        source("a::x", "use super::Other;"),
        source("b", "pub struct Thing;\n#[cfg(test)]\nmod tests { use crate::a::Other; }"),
    ];
    assert_eq!(circles(&without), [] as [String; 0]);
    for text in [
        "use crate::a::Other;",
        "fn f(_: super::a::x::Deep) {}",
        "use crate::{\n    a::{Other, x::Deep as D},\n};",
        "use super::{c, a};",
    ] {
        let mut with = without.to_vec();
        with[3].1 = text.to_owned();
        assert_eq!(circles(&with).len(), 1, "{text}");
    }
}
