use std::time::Instant;
fn main() {
    for m in std::env::args().skip(1) {
        let t = Instant::now();
        let g = network::onnx::import(std::path::Path::new(&m));
        println!("{m}: import {:?}", t.elapsed());
        match g { Err(e) => println!("  {e}"), Ok(g) => {
            println!("{g}");
            for r in &g.remarks { println!("# {r}"); }
            let e = network::reference::Evaluator::new(&g).unwrap();
            let n = g.value(g.input).shape.iter().product::<usize>();
            let t = Instant::now();
            for i in 0..100 { e.run(&network::tensor::Tensor::new(g.value(g.input).shape.clone(), (0..n).map(|k| ((k*7+i) % 256) as f64).collect())).unwrap(); }
            println!("  100 images {:?}", t.elapsed());
        }}
    }
}
