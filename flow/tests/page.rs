//! `report.html`: every stage is there, and nothing refers outside of the file.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, Target, plan};
use compiler::report::{Measured, Report};
use flow::artifacts;
use page::{Accuracy, Approximation, Available, Data, Layer, Memory, Resources, html, pipeline};
use std::collections::BTreeSet;
use std::path::Path;

fn digits(images_per_second: f64) -> Report {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let graph = network::onnx::import(&models.join("digits_conv.onnx")).unwrap();
    let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(images_per_second), 100.0).unwrap();
    Report::new(&plan, &Target::default())
}

/// What a browser would fetch, or follow.
fn references(page: &str) -> Vec<&str> {
    let page_of_svg = |at: &usize| page[*at..].starts_with("http://www.w3.org/2000/svg");
    ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<img", "<iframe", "file:"]
        .iter()
        .flat_map(|sign| page.match_indices(sign).map(|(at, _)| at))
        .filter(|at| !page_of_svg(at))
        .map(|at| &page[at..(at + 40).min(page.len())])
        .collect()
}

#[test]
fn every_stage_is_there_and_nothing_from_elsewhere() {
    let report = digits(100_000.0);
    let page = html(&Data::of(&report).unwrap());
    assert_eq!(references(&page), Vec::<&str>::new());
    let table = page[page.find("<table class=\"stages\"").unwrap()..].replace("/<wbr>", "/").replace("_<wbr>", "_");
    assert_eq!(table[..table.find("</table>").unwrap()].matches("<tr").count(), report.layers.len() + 1);
    for layer in &report.layers {
        assert!(table.contains(&format!("<div class=\"name\">{}<wbr></div>", layer.name)), "{}", layer.name);
        let reason = layer.reason.iter().all(|reason| table.contains(&reason.replace('&', "&amp;")));
        assert!(reason, "{}: {:?}", layer.name, layer.reason);
    }
    let slowest = report.layers.iter().filter(|layer| layer.cycles == report.initiation_interval_cycles).count();
    assert!(slowest > 0);
    assert_eq!(table.matches("<tr class=\"slowest\">").count(), slowest);
    let cycles = |cycles: u64| match cycles {
        1000.. => format!("{},{:03} cycles", cycles / 1000, cycles % 1000),
        cycles => format!("{cycles} cycles"),
    };
    let microseconds = format!("{:.2} µs", report.latency_cycles as f64 / report.clock_mhz);
    let shown = [cycles(report.initiation_interval_cycles), cycles(report.latency_cycles), microseconds];
    for text in shown.iter().map(String::as_str).chain(["not built yet"]) {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
}

#[test]
fn what_a_report_does_not_say_is_left_out_and_what_it_says_is_shown() {
    let report = digits(100_000.0);
    let page = |change: &dyn Fn(&mut Data)| {
        let mut data = Data::of(&report).unwrap();
        change(&mut data);
        let page = html(&data);
        assert_eq!(references(&page), Vec::<&str>::new());
        page
    };
    let plain = page(&|_| ());
    for absent in ["Sensitive thresholds", "through the board", "timing met", "of 83,640", "<h3>Queues</h3>"] {
        assert!(!plain.contains(absent), "{absent}");
    }
    let measured = Measured { lut: 2326, ff: 960, bram: 4, fmax_mhz: Some(92.8) };
    let built =
        Report { measured: Some(measured), link_fps: Some(1251.0), board: Some("ulx3s-85f".into()), ..report.clone() };
    let built = html(&Data::of(&built).unwrap());
    for shown in ["2,326", "92.8", "timing not met", "misses 100 MHz", "1251", "limited by the link", "ulx3s-85f"] {
        assert!(built.contains(shown), "{shown}");
    }
    let more = page(&|data| {
        data.available = Some(Available { lut: 83_640, ff: 83_640, bram: 208 });
        data.sensitive_steps.insert("/act<1>".into(), 3);
        data.approximations.push(Approximation {
            node: "/conv<2>".into(),
            kind: "weights".into(),
            format: "17 steps".into(),
            relative_mse: 2.5e-4,
            largest: 0.003,
        });
        data.fifo_depths.insert(data.layers[0].stage.clone(), 512);
        data.layers[1].estimate = Resources { lut: 777, ff: 1, bram: 2, fmax_mhz: None };
        data.layers[1].memories =
            vec![Memory { role: "chance".into(), kind: "block".into(), width: 70, depth: 9, ..Memory::default() }];
        data.estimate_accuracy = Some(Accuracy { designs: 40, lut_percent: 11.2, ff_percent: 3.0, bram_percent: 0.0 });
    });
    for shown in [
        "of 83,640",
        "Approximations",
        "/conv&lt;2&gt;",
        "2.5e-4",
        "Sensitive thresholds",
        "/act&lt;1&gt;",
        "queue of 512 words",
        "<h3>Queues</h3>",
        "777",
        "chance 9 × 70 bit in block RAM",
        "12 % (LUTs)",
    ] {
        assert!(more.contains(shown), "{shown}");
    }
    // A report of another version, or none at all, is still a page.
    let old = Data { layers: vec![Layer { name: "dense".into(), cycles: 5, ..Layer::default() }], ..Data::default() };
    assert!(html(&old).contains("does not contain the streams"));
}

#[test]
fn the_directory_has_the_page_of_its_report() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let graph = network::onnx::import(&models.join("digits_mlp.onnx")).unwrap();
    let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(1e5), 100.0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let compiled = artifacts::write(&plan, None, &folder).unwrap();
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let read: Report = serde_json::from_str(&text("report.json")).unwrap();
    assert_eq!(read, compiled.report());
    // From the file alone the page can be made again.
    assert_eq!(html(&Data::of(&read).unwrap()), text("report.html"));
}

/// Boxes of a picture: left, top, width, height.
fn boxes(svg: &roxmltree::Document) -> Vec<[f64; 4]> {
    let is_box = |node: &roxmltree::Node| matches!(node.attribute("class"), Some("box" | "end"));
    let number = |node: &roxmltree::Node, name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
    svg.descendants().filter(is_box).map(|node| ["x", "y", "width", "height"].map(|name| number(&node, name))).collect()
}

#[test]
fn pictures_have_every_stage_in_a_place_of_its_own() {
    let report = digits(100_000.0);
    let mut data = Data::of(&report).unwrap();
    // A fork around the first three stages, joined before the fifth: a lane of its own, over the end of a row.
    data.layers[0].outputs.push("around".into());
    data.layers[6].inputs.push("around".into());
    data.streams.push(page::Stream { name: "around".into(), lanes: 3, ..page::Stream::default() });
    for (data, lanes) in [(Data::of(&report).unwrap(), 1), (data, 2)] {
        let picture = pipeline(&data);
        let svg = roxmltree::Document::parse(&picture).unwrap();
        let frame: Vec<f64> =
            svg.root_element().attribute("viewBox").unwrap().split(' ').map(|number| number.parse().unwrap()).collect();
        let boxes = boxes(&svg);
        assert_eq!(boxes.len(), data.layers.len() + 2, "one for each stage, one for each end");
        for (number, [x, y, width, height]) in boxes.iter().enumerate() {
            assert!(*x >= 0.0 && *y >= 0.0 && x + width <= frame[2] && y + height <= frame[3], "{number} is outside");
            let apart = |[x2, y2, width2, height2]: &[f64; 4]| {
                x + width <= *x2 || x2 + width2 <= *x || y + height <= *y2 || y2 + height2 <= *y
            };
            assert!(boxes[number + 1..].iter().all(apart), "{number} lies on another");
        }
        let heads = svg.descendants().filter(|node| node.attribute("class") == Some("arrow")).count();
        assert_eq!(heads, data.streams.len(), "each stream arrives once");
        let rows: BTreeSet<u64> = boxes.iter().map(|[_, y, ..]| *y as u64).collect();
        assert!(rows.len() >= 3 && lanes >= 1);
    }
}

/// `XNORFORGE_BLESS=1` draws the picture anew.
#[test]
fn the_picture_in_the_readme_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/digits_conv.svg");
    let picture = pipeline(&Data::of(&digits(100_000.0)).unwrap()) + "\n";
    if std::env::var_os("XNORFORGE_BLESS").is_some() {
        std::fs::write(path, &picture).expect("docs/ can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == picture, "run the test with XNORFORGE_BLESS=1");
}
