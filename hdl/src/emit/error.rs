//! What can be wrong with a block that is to become Verilog.

use miette::Diagnostic;
use thiserror::Error;

/// A block breaks one of the [rules](crate::emit) under which simulation and Verilog agree.
///
/// `module` is the path of the instance from the root, `signal` the field as its kernel names it.
#[derive(Clone, Debug, Diagnostic, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError {
    /// The root's name, or the name in a module-name field, is no identifier.
    #[error("`{name}` cannot be the name of a Verilog module")]
    #[diagnostic(
        code(hdl::emit::bad_module_name),
        help("use letters, digits and `_`, do not begin with a digit, and avoid Verilog keywords")
    )]
    BadModuleName {
        /// The name.
        name: String,
    },

    /// Designs that are to lie in one file have modules of one name.
    #[error("`{name}` must be one module in all designs of a file, but two of its texts differ")]
    #[diagnostic(
        code(hdl::emit::two_modules),
        help("let the name that the block gives its module tell all that its text depends on")
    )]
    TwoModules {
        /// The name.
        name: String,
    },

    /// Nothing drives a signal.
    #[error("{module}: nothing drives `{signal}`")]
    #[diagnostic(
        code(hdl::emit::not_driven),
        help(
            "assign `{signal}.next` in the `update` of the block that owns it (for an input: of its \
             parent), let a leaf's `connect` call `connect()` on its outputs, and call \
             `connect_all` on the root before emitting"
        )
    )]
    NotDriven {
        /// Path of the instance.
        module: String,
        /// The signal without a driver.
        signal: String,
    },

    /// A kernel assigns an input of its own block or an output of a child.
    #[error("{module}: the kernel assigns `{signal}`, which is driven from elsewhere")]
    #[diagnostic(
        code(hdl::emit::not_ours_to_drive),
        help("a kernel may assign its own outputs and local wires and the inputs of its child blocks")
    )]
    NotOursToDrive {
        /// Path of the instance.
        module: String,
        /// The signal.
        signal: String,
    },

    /// Some path through the kernel leaves a signal unassigned: a latch.
    #[error("{module}: some path through the kernel leaves `{signal}` unassigned")]
    #[diagnostic(
        code(hdl::emit::not_always_assigned),
        help(
            "assign a default to `{signal}.next` before the `if` or `match`; to keep a value from \
             cycle to cycle, use a register block"
        )
    )]
    NotAlwaysAssigned {
        /// Path of the instance.
        module: String,
        /// The signal.
        signal: String,
    },

    /// A signal is read before it has its final value.
    #[error("{module}: `{reader}` reads `{signal}` before the last assignment to `{signal}`")]
    #[diagnostic(
        code(hdl::emit::read_before_assigned),
        help(
            "move the assignment of `{reader}` behind the last assignment of `{signal}`, or give the \
             intermediate value a local wire of its own"
        )
    )]
    ReadBeforeAssigned {
        /// Path of the instance.
        module: String,
        /// The signal that is read.
        signal: String,
        /// The signal whose assignment reads it.
        reader: String,
    },

    /// A name in the kernel is no signal, parameter or loop variable.
    #[error("{module}: the kernel names `{name}`, which is no signal, parameter or loop variable")]
    #[diagnostic(
        code(hdl::emit::unknown_name),
        help(
            "fields whose names begin with `_`, constants and const generics are invisible to the \
             emitter: make the number a `Parameter` field and read it with `.val()`"
        )
    )]
    UnknownName {
        /// Path of the instance.
        module: String,
        /// The name, with `$` for `.` and `::`.
        name: String,
    },

    /// An index into a `Vec` field cannot be evaluated or is out of range.
    #[error("{module}: cannot evaluate the index in `{name}`: {reason}")]
    #[diagnostic(
        code(hdl::emit::bad_index),
        help("an index may use integers, loop variables and parameters with `+ - * / %` and parentheses")
    )]
    BadIndex {
        /// Path of the instance.
        module: String,
        /// The name with its index.
        name: String,
        /// What went wrong.
        reason: String,
    },

    /// An integer literal or loop variable is wider than its other operand or target.
    #[error("{module}: the integer {value} in the assignment of `{signal}` does not fit {width} bits")]
    #[diagnostic(
        code(hdl::emit::literal_too_wide),
        help("widen the other side with `bits_of(x, width)`, or cut the integer explicitly the same way")
    )]
    LiteralTooWide {
        /// Path of the instance.
        module: String,
        /// The signal being assigned.
        signal: String,
        /// The integer.
        value: String,
        /// The width that it must fit.
        width: usize,
    },

    /// An operator needs a width and its operand is a bare integer.
    #[error("{module}: in the assignment of `{signal}`, {what} is applied to an integer without a width")]
    #[diagnostic(
        code(hdl::emit::width_unknown),
        help("give the integer a width with `bits_of(value, width)` or a `Parameter`")
    )]
    WidthUnknown {
        /// Path of the instance.
        module: String,
        /// The signal being assigned.
        signal: String,
        /// The operator.
        what: String,
    },

    /// Arithmetic on integers known at elaboration goes below zero.
    #[error("{module}: integer arithmetic in the assignment of `{signal}` goes below zero")]
    #[diagnostic(
        code(hdl::emit::negative_integer),
        help("rearrange the expression so that no intermediate integer is negative; Rust would panic here")
    )]
    NegativeInteger {
        /// Path of the instance.
        module: String,
        /// The signal being assigned.
        signal: String,
    },

    /// A condition or an operand of `&&`/`||` is not one bit wide.
    #[error("{module}: {what} for `{signal}` is {width} bits wide, not one")]
    #[diagnostic(
        code(hdl::emit::not_a_condition),
        help("compare the value, or reduce it with `.any()`, `.all()` or `.get_bit(i)`")
    )]
    NotACondition {
        /// Path of the instance.
        module: String,
        /// A signal being assigned under the condition.
        signal: String,
        /// What must be one bit.
        what: String,
        /// Its width.
        width: usize,
    },

    /// A signal has no bits.
    #[error("{module}: `{signal}` is zero bits wide")]
    #[diagnostic(
        code(hdl::emit::zero_width),
        help("Verilog has no wires of zero bits: leave `{signal}` out of the block, or make it one bit wide")
    )]
    ZeroWidth {
        /// Path of the instance.
        module: String,
        /// The signal.
        signal: String,
    },

    /// A leaf with custom Verilog has child blocks.
    #[error("{module}: a block with custom Verilog has the child block `{child}`")]
    #[diagnostic(
        code(hdl::emit::custom_with_children),
        help("make `{child}` a sibling, or a field whose name begins with `_`, which Verilog does not see")
    )]
    CustomWithChildren {
        /// Path of the instance.
        module: String,
        /// The first child.
        child: String,
    },

    /// rust-hdl has this construct, the emitter does not.
    #[error("{module}: {construct} has no translation (`{signal}`)")]
    #[diagnostic(code(hdl::emit::unsupported), help("{instead}"))]
    Unsupported {
        /// Path of the instance.
        module: String,
        /// The signal concerned.
        signal: String,
        /// The construct.
        construct: String,
        /// What to write instead.
        instead: String,
    },
}
