//! Files of other kinds, told by their first bytes, so that the refusal says what a file is and what leads on from it.

use super::error::ImportError;
use std::path::Path;

/// A model of Keras or TensorFlow: the way out that all of its forms have in common.
const CONVERT: &str = "with full integer quantisation (optimizations = [tf.lite.Optimize.DEFAULT], a \
                       representative_dataset, target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]), or to \
                       ONNX by tf2onnx";

/// What a file is, and the way out.
type Kind = (&'static str, String);

/// The refusal of a folder, which no model file is.
pub(super) fn folder(path: &Path) -> Option<ImportError> {
    if !path.is_dir() {
        return None;
    }
    let (found, way_out) = match is_saved_model(path) {
        true => saved_model("a TensorFlow SavedModel", path),
        false => ("a directory", "give the file of the model in it".to_owned()),
    };
    Some(ImportError::OtherFile { path: path.into(), found, way_out })
}

/// Whether a path is the directory of a TensorFlow SavedModel.
pub(super) fn is_saved_model(path: &Path) -> bool {
    path.is_dir() && ["saved_model.pb", "saved_model.pbtxt"].iter().any(|name| path.join(name).is_file())
}

/// The refusal of a file, which names it whole, and says where it can what it is instead of a model.
pub(super) fn refusal(path: &Path, bytes: &[u8], error: ImportError) -> ImportError {
    let whole = || path.display().to_string();
    match error {
        ImportError::NotProtobuf { reason, .. } => match kind(path, bytes) {
            Some((found, way_out)) => ImportError::OtherFile { path: path.into(), found, way_out },
            None => ImportError::NotProtobuf { name: whole(), reason },
        },
        ImportError::NoGraph { .. } | ImportError::NoOpset { .. } if kind(path, bytes).is_some() => {
            let (found, way_out) = kind(path, bytes).unwrap_or_default();
            ImportError::OtherFile { path: path.into(), found, way_out }
        }
        ImportError::Empty { .. } => ImportError::Empty { name: whole() },
        ImportError::NoGraph { .. } => ImportError::NoGraph { name: whole() },
        ImportError::NoOpset { found, .. } => ImportError::NoOpset { name: whole(), found },
        ImportError::Opset { version, .. } => ImportError::Opset { name: whole(), version },
        other => other,
    }
}

fn saved_model(found: &'static str, folder: &Path) -> Kind {
    let folder = folder.display();
    (found, format!("convert it: tf.lite.TFLiteConverter.from_saved_model(\"{folder}\"), {CONVERT}"))
}

/// What a file is that is no model of ours.
fn kind(path: &Path, bytes: &[u8]) -> Option<Kind> {
    let keras =
        |found| (found, format!("load it and convert it: tf.lite.TFLiteConverter.from_keras_model(model), {CONVERT}"));
    let checkpoint = |found| {
        let way_out = "a checkpoint holds weights and no graph: build the model in Python, load them and export it: \
                       brevitas.export.export_qonnx(model, x, \"m.onnx\") where it has Brevitas layers, else \
                       torch.onnx.export(model, x, \"m.onnx\") and quantise that (`xnorforge quantize`, or onnxruntime's \
                       quantize_static)";
        (found, way_out.to_owned())
    };
    let plain = |found, way_out: &str| Some((found, way_out.to_owned()));
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some(keras("an HDF5 file, as Keras writes it"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        // The names of its files stand behind them all.
        let names = &bytes[bytes.len().saturating_sub(1 << 16)..];
        let holds = |name: &[u8]| names.windows(name.len()).any(|part| part == name);
        return Some(if holds(b"model.weights.h5") {
            keras("a Keras model (a ZIP archive)")
        } else if holds(b"/constants.pkl") {
            (
                "a TorchScript archive (ZIP)",
                "export the model from Python instead: brevitas.export.export_qonnx(model, x, \"m.onnx\") or \
                 torch.onnx.export(model, x, \"m.onnx\")"
                    .to_owned(),
            )
        } else if holds(b"data.pkl") {
            checkpoint("a PyTorch checkpoint (a ZIP archive)")
        } else if holds(b".npy") {
            (
                "an archive of NumPy arrays (.npz)",
                "give the file of the model; images are given with `--input`".to_owned(),
            )
        } else {
            ("a ZIP archive", "unpack it, and give the file of the model in it".to_owned())
        });
    }
    if let [0x80, 2..=5, ..] = bytes {
        return Some(checkpoint("a Python pickle, as PyTorch's checkpoints are"));
    }
    if bytes.starts_with(b"\x93NUMPY") {
        return plain("a NumPy array (.npy)", "give the file of the model; images are given with `--input`");
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return plain("compressed by gzip", "unpack it with gunzip or tar, and give the file of the model in it");
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return plain(
            "a pointer of Git LFS, which stands for a file that was not downloaded",
            "download the file itself: `git lfs pull` in its repository",
        );
    }
    if bytes.get(8..10) == Some(b"{\"") && bytes.get(4..8) == Some(&[0; 4]) {
        return Some(checkpoint("a file of weights (safetensors)"));
    }
    if path.file_name().is_some_and(|name| name == "saved_model.pb") {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        return Some(saved_model("a part of a TensorFlow SavedModel", folder));
    }
    if path.extension().is_some_and(|extension| extension == "pb") {
        return plain(
            "none that can be decoded as one; files named .pb are often TensorFlow graphs",
            "convert a frozen graph by tf2onnx (`python -m tf2onnx.convert --graphdef FILE --inputs X:0 --outputs Y:0 --output \
             m.onnx`)",
        );
    }
    text(bytes).map(|(found, way_out)| (found, way_out.to_owned()))
}

/// What kind of text a file is, `None` where it is none.
fn text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = &bytes[..bytes.len().min(512)];
    let is_text = start.utf8_chunks().enumerate().all(|(index, chunk)| {
        // A character may be cut at the end.
        let is_valid = chunk.invalid().is_empty() || (index == 0 && bytes.len() > start.len());
        is_valid && chunk.valid().chars().all(|c| !c.is_control() || c.is_whitespace())
    });
    if !is_text {
        return None;
    }
    let lower = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    Some(if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        ("a web page", "download the file itself, not the page about it (on GitHub: the button “Download raw file”)")
    } else if lower.starts_with(['{', '[']) {
        (
            "JSON text",
            "give the model's file, not its description: of a Keras model in JSON, the model itself, converted",
        )
    } else {
        ("text", "give the file that the exporter wrote; a download may have saved a message in its place")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_binary_data() {
        let cut = "é".repeat(256) + "x";
        for (bytes, found) in [
            (&b"hello\n"[..], Some("text")),
            (" <!DOCTYPE html>".as_bytes(), Some("a web page")),
            ("\u{feff}[1]".as_bytes(), Some("JSON text")),
            (&[b"x", cut.as_bytes()].concat(), Some("text")),
            (b"\x08\x07\x12\x05", None),
            (b"text\xff\xff", None),
        ] {
            assert_eq!(text(bytes).map(|(found, _)| found), found, "{bytes:?}");
        }
    }
}
