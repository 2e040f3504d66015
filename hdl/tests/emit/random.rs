//! Random kernels: the printer against a second definition of the arithmetic.

use hdl::rust_hdl::ast::*;
use hdl::rust_hdl::prelude::*;
use hdl::wire::{ModuleName, Wire, Word};
use num_bigint::BigUint;

use crate::support::{Bench, Stimulus};

const WIDTHS: [usize; 12] = [1, 2, 3, 5, 8, 12, 16, 31, 33, 64, 65, 100];

/// Inputs `x`, outputs `y`, and a kernel that is data.
#[derive(LogicBlock)]
struct Random {
    name: ModuleName,
    x: Vec<Wire<In>>,
    y: Vec<Wire<Out>>,
    _kernel: Vec<VerilogStatement>,
}

impl Logic for Random {
    fn update(&mut self) {
        let kernel = std::mem::take(&mut self._kernel);
        self.run(&kernel, &mut vec![]);
        self._kernel = kernel;
    }
    fn connect(&mut self) {
        self.y.iter_mut().for_each(|y| y.connect());
    }
    fn hdl(&self) -> Verilog {
        Verilog::Combinatorial(self._kernel.clone())
    }
}

/// A value as the rules of kernels define it, without a line in common with `Word` or the emitter.
#[derive(Clone, Debug)]
enum Value {
    Integer(u64),
    Word(BigUint, usize),
}

fn cut(value: BigUint, width: usize) -> BigUint {
    value % (BigUint::from(1u8) << width)
}

fn number(word: &Word) -> BigUint {
    BigUint::from_bytes_le(&word.limbs().iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<_>>())
}

impl Value {
    fn at(&self, width: usize) -> BigUint {
        match self {
            Value::Integer(value) => BigUint::from(*value),
            Value::Word(value, own) if *own > width => cut(value.clone(), width),
            Value::Word(value, _) => value.clone(),
        }
    }

    fn width(&self) -> usize {
        match self {
            Value::Integer(_) => 0,
            Value::Word(_, width) => *width,
        }
    }

    fn distance(&self) -> usize {
        usize::try_from(self.at(1000)).unwrap_or(usize::MAX).min(1000)
    }

    fn bool(value: bool) -> Value {
        Value::Word(u8::from(value).into(), 1)
    }

    fn is_true(&self) -> bool {
        self.at(1) != BigUint::ZERO
    }
}

type Loops = Vec<(String, u64)>;

impl Random {
    fn run(&mut self, block: &[VerilogStatement], loops: &mut Loops) {
        for statement in block {
            match statement {
                VerilogStatement::Assignment(VerilogExpression::Signal(target), value) => {
                    let value = self.value(value, loops);
                    let target = &mut self.y[index(target, loops)];
                    let limbs = value.at(target.width()).to_u64_digits();
                    target.next = Word::from_limbs(target.width(), &limbs);
                }
                VerilogStatement::If(choice) => {
                    if self.value(&choice.test, loops).is_true() {
                        self.run(&choice.then, loops);
                    } else if let VerilogBlockOrConditional::Block(block) = &choice.otherwise {
                        self.run(block, loops);
                    }
                }
                VerilogStatement::Match(choice) => {
                    let test = self.value(&choice.test, loops).at(1000).to_string();
                    let taken = choice.cases.iter().find(|case| case.condition == "default" || case.condition == test);
                    self.run(&taken.expect("there is a wildcard").block, loops);
                }
                VerilogStatement::Loop(repeat) => {
                    for i in repeat.from.as_usize()..repeat.to.as_usize() {
                        loops.push((repeat.index.clone(), i as u64));
                        self.run(&repeat.block, loops);
                        loops.pop();
                    }
                }
                other => panic!("not generated: {other:?}"),
            }
        }
    }

    fn value(&self, expression: &VerilogExpression, loops: &Loops) -> Value {
        match expression {
            VerilogExpression::Signal(name) => match loops.iter().find(|(variable, _)| variable == name) {
                Some((_, value)) => Value::Integer(*value),
                None => {
                    let word = if name.starts_with('x') {
                        self.x[index(name, loops)].val()
                    } else {
                        self.y[index(name, loops)].val()
                    };
                    Value::Word(number(&word), word.bits())
                }
            },
            VerilogExpression::Literal(literal) => Value::Integer(literal.as_usize() as u64),
            VerilogExpression::Paren(inner) => self.value(inner, loops),
            VerilogExpression::Cast(inner, width) => {
                Value::Word(cut(self.value(inner, loops).at(1000), *width), *width)
            }
            VerilogExpression::Binary(left, operator, right) => {
                binary(self.value(left, loops), operator, self.value(right, loops))
            }
            VerilogExpression::Unary(operator, inner) => {
                let inner = self.value(inner, loops);
                let (value, width) = (inner.at(1000), inner.width());
                let ones = (BigUint::from(1u8) << width) - 1u8;
                match operator {
                    VerilogOpUnary::Not => Value::Word(ones - value, width),
                    VerilogOpUnary::Neg => Value::Word(cut(ones + 1u8 - value, width), width),
                    VerilogOpUnary::All => Value::bool(value == ones),
                    VerilogOpUnary::Any => Value::bool(value != BigUint::ZERO),
                    VerilogOpUnary::Xor => Value::bool(value.count_ones() % 2 == 1),
                }
            }
            VerilogExpression::Index(base, index) => {
                let (base, index) = (self.value(base, loops), self.value(index, loops));
                Value::bool(base.at(1000).bit(index.distance() as u64))
            }
            VerilogExpression::IndexReplace(base, index, bit) => {
                let (base, index) = (self.value(base, loops), self.value(index, loops).distance());
                let (mut value, width) = (base.at(1000), base.width());
                if index < width {
                    value.set_bit(index as u64, self.value(bit, loops).is_true());
                }
                Value::Word(value, width)
            }
            other => panic!("not generated: {other:?}"),
        }
    }
}

fn index(name: &str, loops: &Loops) -> usize {
    let text = &name[name.find('[').expect("an index") + 1..name.len() - 1];
    let known = loops.iter().find(|(variable, _)| variable == text).map(|(_, value)| *value as usize);
    known.unwrap_or_else(|| text.parse().expect("a number"))
}

fn binary(left: Value, operator: &VerilogOp, right: Value) -> Value {
    let width = left.width().max(right.width());
    let (a, b) = (left.at(1000), right.at(1000));
    let modulus = BigUint::from(1u8) << width;
    match operator {
        VerilogOp::Add => Value::Word((a + b) % modulus, width),
        VerilogOp::Sub => Value::Word((a + &modulus - b) % modulus, width),
        VerilogOp::Mul => Value::Word((a * b) % modulus, width),
        VerilogOp::BitXor => Value::Word(a ^ b, width),
        VerilogOp::BitAnd | VerilogOp::LogicalAnd => Value::Word(a & b, width),
        VerilogOp::BitOr | VerilogOp::LogicalOr => Value::Word(a | b, width),
        VerilogOp::Shl => Value::Word((a << right.distance()) % (BigUint::from(1u8) << left.width()), left.width()),
        VerilogOp::Shr => Value::Word(a >> right.distance(), left.width()),
        VerilogOp::Eq => Value::bool(a == b),
        VerilogOp::Ne => Value::bool(a != b),
        VerilogOp::Lt => Value::bool(a < b),
        VerilogOp::Le => Value::bool(a <= b),
        VerilogOp::Ge => Value::bool(a >= b),
        VerilogOp::Gt => Value::bool(a > b),
    }
}

/// Makes kernels.
struct Generator {
    random: Stimulus,
    inputs: Vec<usize>,
    /// Signals that an expression may read besides the inputs: name and width.
    readable: Vec<(String, usize)>,
}

fn boxed(expression: VerilogExpression) -> Box<VerilogExpression> {
    Box::new(expression)
}

impl Generator {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.below(from.len())]
    }

    fn literal(&mut self, width: usize) -> VerilogExpression {
        let most = if width >= 20 { 1 << 20 } else { 1u64 << width };
        let value = match self.random.below(3) {
            0 => self.random.below(most as usize) as u64,
            1 => most - 1,
            _ => self.random.below(2) as u64,
        };
        VerilogExpression::Literal(value.into())
    }

    /// A word and its width.
    fn word(&mut self, depth: usize) -> (VerilogExpression, usize) {
        let choice = if depth == 0 { 0 } else { self.random.below(12) };
        match choice {
            0 | 1 => {
                let count = self.inputs.len() + self.readable.len();
                let index = self.random.below(count);
                if index < self.inputs.len() {
                    (VerilogExpression::Signal(format!("x[{index}]")), self.inputs[index])
                } else {
                    let (name, width) = self.readable[index - self.inputs.len()].clone();
                    (VerilogExpression::Signal(name), width)
                }
            }
            2 | 3 => {
                use VerilogOp::*;
                let operators = [Add, Sub, Mul, BitXor, BitAnd, BitOr];
                let operator = operators[self.random.below(6)].clone();
                let (left, a) = self.word(depth - 1);
                let (right, b) = self.word(depth - 1);
                (VerilogExpression::Binary(boxed(left), operator, boxed(right)), a.max(b))
            }
            4 => {
                use VerilogOp::*;
                let operators = [Add, Sub, Mul, BitXor, BitAnd, BitOr];
                let operator = operators[self.random.below(6)].clone();
                let (word, width) = self.word(depth - 1);
                let literal = self.literal(width);
                // rust-hdl's kernels have the integer on the right, the emitter takes it on either side.
                let (left, right) = if self.random.chance(0.7) { (word, literal) } else { (literal, word) };
                (VerilogExpression::Binary(boxed(left), operator, boxed(right)), width)
            }
            5 => {
                let (left, width) = self.word(depth - 1);
                let distance = self.distance(width, depth);
                let operator = if self.random.chance(0.5) { VerilogOp::Shl } else { VerilogOp::Shr };
                (VerilogExpression::Binary(boxed(left), operator, boxed(distance)), width)
            }
            6 => {
                let (inner, width) = self.word(depth - 1);
                let operator = if self.random.chance(0.8) { VerilogOpUnary::Not } else { VerilogOpUnary::Neg };
                (VerilogExpression::Unary(operator, boxed(inner)), width)
            }
            7 | 8 => {
                let width = self.pick(&WIDTHS);
                let (inner, _) = self.word(depth - 1);
                (VerilogExpression::Cast(boxed(VerilogExpression::Paren(boxed(inner))), width), width)
            }
            9 => {
                let (base, width) = self.word(depth - 1);
                let index = self.distance(width, depth);
                let bit = self.bool(depth - 1);
                (VerilogExpression::IndexReplace(boxed(base), boxed(index), boxed(bit)), width)
            }
            10 => {
                // `word + bool`
                let (left, width) = self.word(depth - 1);
                let right = self.bool(depth - 1);
                (VerilogExpression::Binary(boxed(left), VerilogOp::Add, boxed(right)), width)
            }
            _ => (self.bool(depth - 1), 1),
        }
    }

    /// A shift distance or bit index for a word of `width` bits.
    fn distance(&mut self, width: usize, depth: usize) -> VerilogExpression {
        if self.random.chance(0.6) || depth == 0 {
            VerilogExpression::Literal((self.random.below(width + 3) as u64).into())
        } else {
            self.word(depth - 1).0
        }
    }

    /// One bit.
    fn bool(&mut self, depth: usize) -> VerilogExpression {
        use VerilogOp::*;
        let (word, width) = self.word(depth.saturating_sub(1));
        match self.random.below(if depth == 0 { 2 } else { 6 }) {
            0 => {
                let operators = [VerilogOpUnary::All, VerilogOpUnary::Any, VerilogOpUnary::Xor];
                VerilogExpression::Unary(operators[self.random.below(3)].clone(), boxed(word))
            }
            1 => {
                let index = self.distance(width, depth);
                VerilogExpression::Index(boxed(word), boxed(index))
            }
            2 | 3 => {
                let operator = [Eq, Lt, Le, Ne, Ge, Gt][self.random.below(6)].clone();
                let other =
                    if self.random.chance(0.5) { self.literal(width) } else { self.word(depth.saturating_sub(1)).0 };
                VerilogExpression::Binary(boxed(word), operator, boxed(other))
            }
            4 => {
                let operator = [LogicalAnd, LogicalOr, BitXor][self.random.below(3)].clone();
                let (left, right) = (self.bool(depth - 1), self.bool(depth - 1));
                VerilogExpression::Binary(boxed(left), operator, boxed(right))
            }
            _ => VerilogExpression::Unary(VerilogOpUnary::Not, boxed(self.bool(depth - 1))),
        }
    }

    fn assign(&mut self, target: &str) -> VerilogStatement {
        let value = self.word(4).0;
        VerilogStatement::Assignment(VerilogExpression::Signal(target.into()), value)
    }

    /// Statements that assign `target` on every path.
    fn statements(&mut self, target: &str, width: usize) -> Vec<VerilogStatement> {
        let mut block = vec![self.assign(target)];
        let before = self.readable.len();
        for _ in 0..self.random.below(3) {
            // From here on the target may read itself.
            self.readable.push((target.to_owned(), width));
            let statement = match self.random.below(4) {
                0 => self.assign(target),
                1 => {
                    let otherwise = match self.random.chance(0.5) {
                        true => VerilogBlockOrConditional::Block(vec![self.assign(target)]),
                        false => VerilogBlockOrConditional::None,
                    };
                    let (test, then) = (self.bool(2), vec![self.assign(target)]);
                    VerilogStatement::If(VerilogConditional { test, then, otherwise })
                }
                2 => {
                    let (test, width) = self.word(2);
                    let mut cases: Vec<VerilogCase> = vec![];
                    for value in 0..self.random.below(4).min(1 << width.min(2)) {
                        cases.push(VerilogCase { condition: value.to_string(), block: vec![self.assign(target)] });
                    }
                    let block = if self.random.chance(0.5) { vec![] } else { vec![self.assign(target)] };
                    cases.push(VerilogCase { condition: "default".into(), block });
                    VerilogStatement::Match(VerilogMatch { test, cases })
                }
                _ => {
                    let (word, _) = self.word(2);
                    let bit = VerilogExpression::Index(boxed(word), boxed(VerilogExpression::Signal("i".into())));
                    let own = VerilogExpression::Signal(target.into());
                    let sum = VerilogExpression::Binary(boxed(own.clone()), VerilogOp::Add, boxed(bit));
                    let to = self.random.below(20);
                    let block = vec![VerilogStatement::Assignment(own, sum)];
                    VerilogStatement::Loop(VerilogLoop { index: "i".into(), from: 0u64.into(), to: to.into(), block })
                }
            };
            block.push(statement);
        }
        self.readable.truncate(before);
        block
    }
}

fn random_block(seed: u64) -> Random {
    let mut random = Stimulus::new(seed);
    let inputs: Vec<usize> = (0..8).map(|_| WIDTHS[random.below(WIDTHS.len())]).collect();
    let mut generator = Generator { random, inputs: inputs.clone(), readable: vec![] };
    let mut kernel = vec![];
    let mut outputs = vec![];
    for index in 0..40 {
        let width = generator.pick(&WIDTHS);
        let target = format!("y[{index}]");
        kernel.extend(generator.statements(&target, width));
        // Later outputs may read this one: it has its final value.
        generator.readable.push((target, width));
        outputs.push(width);
    }
    Random {
        name: ModuleName::new("random"),
        x: inputs.iter().map(|width| Wire::of(*width)).collect(),
        y: outputs.iter().map(|width| Wire::of(*width)).collect(),
        _kernel: kernel,
    }
}

fn agree(seed: u64, verilator: bool) {
    let bench = Bench::new("random", random_block(seed)).seed(seed).cycles(if verilator { 500 } else { 60 });
    // Verilator sees through signals that a random expression makes constant; nobody writes that.
    let bench = bench.waive("CMPCONST").waive("UNSIGNED");
    let bench = if verilator { bench.verilator() } else { bench };
    bench.run_combinational(|block, random| {
        for x in &mut block.x {
            x.next = random.word(x.width());
        }
    });
}

#[test]
fn random_kernels_in_icarus() {
    (0..8).for_each(|seed| agree(seed, false));
}

/// For changes to the emitter: `cargo test -p xnorforge-hdl --test emit -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn many_random_kernels_in_icarus() {
    (1000..1200).for_each(|seed| agree(seed, false));
}

#[test]
fn random_kernels_in_verilator() {
    (100..101).for_each(|seed| agree(seed, true));
}
