//! What a layer reads, as far as schemes need it that fit a layer's results instead of its weights.

/// For the inputs of each group of a layer the sums of the products of any two, over all positions and images seen.
#[derive(Clone, Debug, PartialEq)]
pub struct InputProducts {
    /// Number of inputs of an output, in the order of the weights of one.
    size: usize,
    /// For each group a matrix of `size` × `size` sums.
    groups: Vec<Vec<f64>>,
}

impl InputProducts {
    /// Of nothing seen so far.
    pub fn new(size: usize, groups: usize) -> Self {
        InputProducts { size, groups: vec![vec![0.0; size * size]; groups] }
    }

    /// Adds what the outputs of `group` read once.
    ///
    /// # Panics
    /// Where `inputs` has another size: a fault of the caller.
    pub fn add(&mut self, group: usize, inputs: &[f64]) {
        assert_eq!(inputs.len(), self.size, "one number for each weight of an output");
        let sums = &mut self.groups[group];
        for (row, a) in inputs.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            let sums = &mut sums[row * self.size..(row + 1) * self.size];
            sums.iter_mut().zip(inputs).for_each(|(sum, b)| *sum += a * b);
        }
    }

    /// The matrix for an output of `outputs`, which the groups share evenly.
    pub(super) fn of_output(&self, output: usize, outputs: usize) -> Products<'_> {
        let group = output * self.groups.len() / outputs.max(1);
        Products { size: self.size, sums: &self.groups[group] }
    }
}

/// A symmetric matrix of sums of products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Products<'a> {
    size: usize,
    sums: &'a [f64],
}

impl Products<'_> {
    pub fn row(&self, index: usize) -> &[f64] {
        &self.sums[index * self.size..(index + 1) * self.size]
    }

    /// The matrix times a vector.
    pub fn times(&self, vector: &[f64]) -> Vec<f64> {
        (0..self.size).map(|row| dot(self.row(row), vector)).collect()
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
