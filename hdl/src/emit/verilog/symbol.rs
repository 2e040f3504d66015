//! The names that a kernel can use, and what they stand for.

use std::collections::HashMap;

use num_bigint::BigUint;

use super::number::rust_integer;
use crate::emit::EmitError;

/// Index of a symbol in its module's [`SymbolTable`].
pub(super) type SymbolId = usize;

/// What a symbol is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Input,
    Output,
    Local,
    /// An input of a child, driven here.
    ChildInput,
    /// An output of a child.
    ChildOutput,
    /// A parameter or a variant of an enumeration.
    Constant(BigUint),
}

impl Kind {
    /// Whether the kernel must assign the symbol.
    pub(super) fn is_driven_here(&self) -> bool {
        matches!(self, Kind::Output | Kind::Local | Kind::ChildInput)
    }
}

/// A signal or constant as the kernel sees it.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    /// The name in rust-hdl, with `$` between the fields: `pe$0$x`.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) width: usize,
}

/// The variables of the loops being unrolled, the innermost last.
pub(super) type Loops = Vec<(String, u64)>;

/// All symbols of one module.
#[derive(Debug, Default)]
pub(super) struct SymbolTable {
    symbols: Vec<Symbol>,
    by_name: HashMap<String, SymbolId>,
}

impl SymbolTable {
    /// Adds a symbol. Enumerations of several signals share their variants: the first stays.
    pub(super) fn add(&mut self, symbol: Symbol) -> SymbolId {
        let id = self.symbols.len();
        self.by_name.entry(symbol.name.clone()).or_insert(id);
        self.symbols.push(symbol);
        id
    }

    pub(super) fn get(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id]
    }

    pub(super) fn ids(&self) -> std::ops::Range<SymbolId> {
        0..self.symbols.len()
    }

    /// The symbol that the kernel of `module` calls `name`, for instance `pe[i+1]$x$next`.
    pub(super) fn resolve(&self, name: &str, loops: &Loops, module: &str) -> Result<SymbolId, EmitError> {
        let plain = name.trim_start_matches('.');
        let plain = plain.strip_suffix("$next").unwrap_or(plain);
        if !plain.contains('[') {
            let found = self.by_name.get(plain).copied();
            return found.ok_or_else(|| EmitError::UnknownName { module: module.into(), name: name.into() });
        }
        let bad = |reason: String| EmitError::BadIndex { module: module.into(), name: name.into(), reason };
        let mut path = String::with_capacity(plain.len());
        let mut rest = plain;
        while let Some((before, after)) = rest.split_once('[') {
            let end = closing(after).ok_or_else(|| bad("a bracket is missing".into()))?;
            let index = Index { text: &after[..end], table: self, loops }.value().map_err(bad)?;
            path.push_str(before);
            path.push('$');
            path.push_str(&index.to_string());
            rest = &after[end + 1..];
        }
        path.push_str(rest);
        // A block written by hand may call the only element of a `Vec` as if it stood alone.
        let alone = || {
            let at = path.rfind("$0")?;
            self.by_name.get(&format!("{}{}", &path[..at], &path[at + 2..]))
        };
        let found = self.by_name.get(path.as_str()).or_else(alone).copied();
        found.ok_or_else(|| bad(format!("there is no `{}`", path.replace('$', "."))))
    }
}

/// The position of the bracket that closes the one before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(position, c)| match c {
        '[' => {
            depth += 1;
            None
        }
        ']' if depth == 0 => Some(position),
        ']' => {
            depth -= 1;
            None
        }
        _ => None,
    })
}

/// The index of a `Vec` field, which rust-hdl passes on as text without spaces.
struct Index<'a> {
    text: &'a str,
    table: &'a SymbolTable,
    loops: &'a Loops,
}

impl Index<'_> {
    fn value(mut self) -> Result<u64, String> {
        let value = self.sum()?;
        if self.text.is_empty() { Ok(value) } else { Err(format!("`{}` is not understood", self.text)) }
    }

    fn take(&mut self, operators: &[char]) -> Option<char> {
        let operator = self.text.chars().next().filter(|c| operators.contains(c))?;
        self.text = &self.text[1..];
        Some(operator)
    }

    fn sum(&mut self) -> Result<u64, String> {
        let mut value = self.product()?;
        while let Some(operator) = self.take(&['+', '-']) {
            let right = self.product()?;
            let result = if operator == '+' { value.checked_add(right) } else { value.checked_sub(right) };
            value = result.ok_or_else(|| format!("`{value} {operator} {right}` is out of range"))?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<u64, String> {
        let mut value = self.factor()?;
        while let Some(operator) = self.take(&['*', '/', '%']) {
            let right = self.factor()?;
            let result = match operator {
                '*' => value.checked_mul(right),
                '/' => value.checked_div(right),
                _ => value.checked_rem(right),
            };
            value = result.ok_or_else(|| format!("`{value} {operator} {right}` is out of range"))?;
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<u64, String> {
        if self.take(&['(']).is_some() {
            let value = self.sum()?;
            return self.take(&[')']).map(|_| value).ok_or_else(|| "a parenthesis is missing".into());
        }
        let end = self.text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        self.text = rest.strip_prefix("()").unwrap_or(rest);
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return rust_integer(word)
                .and_then(|value| u64::try_from(value).ok())
                .ok_or_else(|| format!("`{word}` is no integer"));
        }
        if let Some((_, value)) = self.loops.iter().rev().find(|(name, _)| name == word) {
            return Ok(*value);
        }
        let name = word.strip_suffix("$val").unwrap_or(word);
        match self.table.by_name.get(name).map(|id| &self.table.symbols[*id].kind) {
            Some(Kind::Constant(value)) => u64::try_from(value).map_err(|_| format!("`{word}` is too large")),
            _ => Err(format!("`{word}` is not known at elaboration")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> SymbolTable {
        let mut table = SymbolTable::default();
        for i in 0..3 {
            table.add(Symbol { name: format!("pe${i}$x"), kind: Kind::ChildInput, width: 4 });
        }
        table.add(Symbol { name: "grid$2$1".into(), kind: Kind::Local, width: 1 });
        table.add(Symbol { name: "count".into(), kind: Kind::Constant(3u8.into()), width: 32 });
        table
    }

    #[test]
    fn indices_are_evaluated() {
        let table = table();
        let loops = vec![("i".to_string(), 1)];
        let resolve = |name: &str| table.resolve(name, &loops, "top");
        assert_eq!(resolve("pe[i]$x$next"), Ok(1));
        assert_eq!(resolve("pe[count$val()-1]$x"), Ok(2));
        assert_eq!(resolve("pe[(i+2)*3%2]$x"), Ok(1));
        assert_eq!(resolve("grid[2*i][1usize]"), Ok(3));
    }

    #[test]
    fn what_cannot_be_evaluated_is_an_error() {
        let table = table();
        for name in ["pe[j]$x", "pe[3]$x", "pe[0-1]$x", "pe[1/0]$x", "pe[i$x", "pe[0asusize]$x"] {
            let error = table.resolve(name, &Loops::new(), "top").expect_err(name);
            assert!(matches!(error, EmitError::BadIndex { .. }), "{error}");
        }
        assert!(matches!(table.resolve("_n", &Loops::new(), "top"), Err(EmitError::UnknownName { .. })));
    }
}
