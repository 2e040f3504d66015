#[path = "random_networks/generator.rs"]
mod generator;
#[test]
fn dump() {
    let graph = generator::random_graph(0, 40);
    let plan = compiler::fold::plan(compiler::lower::lower(&graph).unwrap(), &compiler::fold::Goal::FramesPerSecond(1e6), 100.0).unwrap();
    let _ = std::fs::remove_dir_all("/tmp/dumped");
    hdl::artifacts::write(&plan, std::path::Path::new("/tmp/dumped")).unwrap();
}
