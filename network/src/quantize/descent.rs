//! Codes and factor that keep a layer's results, one code at a time.

use super::inputs::{Products, dot};

/// Most rounds over all codes; rounds end where none changes, and no change makes the error greater.
const ROUNDS: usize = 100;

/// Fits α and codes of `alphabet` so that the results α · codesᵀ x come near weightsᵀ x over all inputs x seen: minimises
/// (w − α c)ᵀ G (w − α c), where G holds the sums of products of inputs. `codes` are those to begin with.
pub(super) fn fit(weights: &[f64], products: Products<'_>, alphabet: &[i32], mut codes: Vec<i32>) -> (Vec<i32>, f64) {
    let target = products.times(weights);
    let Some(mut scale) = factor(&target, products, &codes) else {
        // No input was ever other than zero: any weights do.
        return (codes, super::mean_magnitude(weights));
    };
    for _ in 0..ROUNDS {
        let mut changed = false;
        let difference: Vec<f64> = weights.iter().zip(&codes).map(|(w, code)| w - scale * f64::from(*code)).collect();
        let mut residual = products.times(&difference);
        for index in 0..codes.len() {
            let curvature = products.row(index)[index];
            let change = |code: i32| {
                let step = scale * f64::from(code - codes[index]);
                step * (step * curvature - 2.0 * residual[index])
            };
            let mut best = (codes[index], 0.0);
            for code in alphabet {
                let change = change(*code);
                if change < best.1 {
                    best = (*code, change);
                }
            }
            if best.0 != codes[index] {
                let step = scale * f64::from(best.0 - codes[index]);
                residual.iter_mut().zip(products.row(index)).for_each(|(rest, product)| *rest -= step * product);
                codes[index] = best.0;
                changed = true;
            }
        }
        match factor(&target, products, &codes) {
            Some(next) => scale = next,
            None => return (codes, 0.0),
        }
        if !changed {
            break;
        }
    }
    (codes, scale)
}

/// The factor that is best for `codes`, `None` where they make no results.
fn factor(target: &[f64], products: Products<'_>, codes: &[i32]) -> Option<f64> {
    let codes: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
    let square = dot(&codes, &products.times(&codes));
    (square > 0.0).then(|| dot(target, &codes) / square)
}

#[cfg(test)]
mod tests {
    use super::super::InputProducts;
    use super::fit;
    use proptest::prelude::*;

    fn error(weights: &[f64], inputs: &[Vec<f64>], codes: &[i32], scale: f64) -> f64 {
        let result = |x: &Vec<f64>| -> f64 {
            x.iter().zip(weights.iter().zip(codes)).map(|(x, (w, code))| x * (w - scale * f64::from(*code))).sum()
        };
        inputs.iter().map(|x| result(x).powi(2)).sum()
    }

    proptest! {
        #[test]
        fn no_single_code_can_be_improved(
            weights in prop::collection::vec(-1f64..1.0, 5),
            inputs in prop::collection::vec(prop::collection::vec(-1f64..1.0, 5), 8),
        ) {
            let mut products = InputProducts::new(5, 1);
            inputs.iter().for_each(|x| products.add(0, x));
            for alphabet in [&[-1, 1][..], &[-1, 0, 1]] {
                let start: Vec<i32> = weights.iter().map(|w| if *w < 0.0 { -1 } else { 1 }).collect();
                let (codes, scale) = fit(&weights, products.of_output(0, 1), alphabet, start.clone());
                let found = error(&weights, &inputs, &codes, scale);
                let mean = weights.iter().map(|w| w.abs()).sum::<f64>() / 5.0;
                prop_assert!(found <= error(&weights, &inputs, &start, mean) + 1e-9);
                for index in 0..5 {
                    for code in alphabet {
                        let mut other = codes.clone();
                        other[index] = *code;
                        prop_assert!(found <= error(&weights, &inputs, &other, scale) + 1e-9);
                    }
                }
            }
        }
    }
}
