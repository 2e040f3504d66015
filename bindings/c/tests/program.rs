//! A C program, compiled and run against a device behind a pseudo-terminal; and calls that must be refused.

#![cfg(unix)]
#![allow(unsafe_code, clippy::unwrap_used)]

use abi::ElementType;
use abi::manifest::Manifest;
use abi::maps::Reduction;
use abi::packing::StreamFormat;
use host::transport::fake::{SoftwareDevice, manifest_of};
use serialport::{SerialPort, TTYPort};
use std::ffi::{CStr, CString, c_char};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use std::{env, fs, ptr, thread};
use tempfile::TempDir;
use testkit::cards::IdleCard;
use xnorforge_c::*;

/// serialport asks for terminals in a way that is not safe for several threads.
static OPENING: Mutex<()> = Mutex::new(());

/// Elements of an image, and of an answer.
const INPUTS: usize = 6;
const OUTPUTS: usize = 3;

/// A device in software behind a pseudo-terminal, and its directory.
struct Board {
    folder: TempDir,
    address: String,
    // Kept, so that the terminal stays when a host closes it.
    _far: TTYPort,
}

impl Board {
    fn new(change: impl FnOnce(&mut Manifest)) -> Board {
        let stream =
            |channels| StreamFormat { element: ElementType::Signed { bits: 9 }, lanes: 2, channels, vectors: 1 };
        let mut manifest = manifest_of(stream(INPUTS), stream(OUTPUTS));
        manifest.output_map.scale = vec![0.25];
        let core = |image: &[i32]| image.chunks(2).map(|pair| pair[0] - 2 * pair[1]).collect();
        let mut device = SoftwareDevice::new(&manifest, 3, core);
        let (mut near, far) = {
            let _guard = OPENING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            TTYPort::pair().unwrap()
        };
        change(&mut manifest);
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("manifest.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
        let address = format!("uart:{}", far.name().unwrap());
        // Ends with the test's process.
        thread::spawn(move || {
            near.set_timeout(Duration::from_millis(100)).unwrap();
            let mut buffer = [0; 300];
            loop {
                match near.read(&mut buffer) {
                    Ok(count) => near.write_all(&device.take(&buffer[..count])).unwrap(),
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                    Err(_) => return,
                }
            }
        });
        Board { folder, address, _far: far }
    }

    fn manifest(&self) -> PathBuf {
        self.folder.path().join("manifest.json")
    }

    fn open(&self) -> *mut OpenDevice {
        let mut device = ptr::null_mut();
        let (address, path) = (text(&self.address), text(self.manifest().to_str().unwrap()));
        // SAFETY: texts that end with a zero byte, and a place for a pointer.
        let status = unsafe { xnorforge_open(address.as_ptr(), path.as_ptr(), &mut device) };
        assert_eq!((status, message().as_str()), (Status::Ok, ""));
        assert!(!device.is_null());
        device
    }
}

fn text(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn of(pointer: *const c_char) -> String {
    // SAFETY: both functions answer texts that end with a zero byte and stay until the next call.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap().to_owned()
}

fn message() -> String {
    of(xnorforge_error_message())
}

/// The example, compiled against the static library.
fn compiled(folder: &Path, compiler: &str, arguments: &[&str]) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Test programs lie beside the libraries that they were built with.
    let built = env::current_exe().unwrap().parent().unwrap().to_owned();
    let program = folder.join("infer");
    let output = Command::new(compiler)
        .args(arguments)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(here.join("include"))
        .arg(here.join("examples/infer.c"))
        .args(["-x", "none"])
        .arg(built.join("libxnorforge_c.a"))
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr));
    program
}

/// Exit status, standard output and standard error of the example.
fn run(program: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_program_in_c_and_in_cpp_runs_images() {
    for (compiler, arguments) in [("cc", ["-x", "c", "-std=c99"]), ("c++", ["-x", "c++", "-std=c++11"])] {
        if !testkit::tool(compiler) {
            continue;
        }
        let board = Board::new(|_| {});
        let program = compiled(board.folder.path(), compiler, &arguments);
        let manifest = board.manifest();
        let arguments = [board.address.as_str(), manifest.to_str().unwrap()];
        let found = run(&program, &arguments, "1 2 3 4 5 6\n-7 0 0 100 9 -9\n0 0 0 0 0 0\n");
        assert_eq!(found, (0, "-0.75 -1.25 -1.75\n-1.75 -50 6.75\n0 0 0\n".into(), String::new()), "{compiler}");
        let (status, output, error) = run(&program, &arguments, "1 2 nan 4 5 6\n");
        assert_eq!((status, output.as_str()), (Status::Input as i32, ""));
        assert!(error.contains("index 2 of the image is NaN\nhelp: "), "{error}");
        let (status, _, error) = run(&program, &["uart:/no/such/line", arguments[1]], "");
        assert!(status == Status::Device as i32 && error.contains("/no/such/line"), "{status} {error}");
    }
}

#[test]
fn many_images_run_at_once() {
    let board = Board::new(|_| {});
    let device = board.open();
    let images: Vec<f32> = (0..40 * INPUTS).map(|index| (index % 50) as f32).collect();
    let mut scores = vec![f32::NAN; 40 * OUTPUTS];
    // SAFETY: an open device, and as many numbers as 40 images and their outputs have.
    unsafe {
        assert_eq!((xnorforge_input_values(device), xnorforge_output_values(device)), (INPUTS, OUTPUTS));
        assert!(!xnorforge_gives_indices(device));
        assert_eq!(xnorforge_infer(device, images.as_ptr(), 40, scores.as_mut_ptr()), Status::Ok, "{}", message());
        assert_eq!(xnorforge_infer(device, ptr::null(), 0, ptr::null_mut()), Status::Ok);
        xnorforge_close(device);
    }
    let expected: Vec<f32> = images.chunks(2).map(|pair| 0.25 * (pair[0] - 2.0 * pair[1])).collect();
    assert_eq!(scores, expected);
}

#[test]
fn indices_are_numbers_too() {
    let board = Board::new(|manifest| {
        manifest.output_map.reduction = Reduction::ArgMax;
        manifest.output_map.shape = vec![1];
    });
    let device = board.open();
    let mut scores = [f32::NAN; 2];
    let images = [0.0, 9.0, 5.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 9.0, 0.0, 0.0];
    // SAFETY: an open device, and as many numbers as two images and their outputs have.
    unsafe {
        assert!(xnorforge_gives_indices(device));
        assert_eq!(xnorforge_output_values(device), 1);
        assert_eq!(xnorforge_infer(device, images.as_ptr(), 2, scores.as_mut_ptr()), Status::Ok, "{}", message());
        xnorforge_close(device);
    }
    assert_eq!(scores, [1.0, 2.0]);
}

#[test]
fn what_is_not_there_is_refused() {
    let board = Board::new(|_| {});
    let (address, path) = (text(&board.address), text(board.manifest().to_str().unwrap()));
    let refused = |status: Status, expected: Status, part: &str| {
        let (message, help) = (message(), of(xnorforge_error_help()));
        assert_eq!(status, expected, "{message}");
        assert!(message.contains(part) && !help.is_empty(), "{message} / {help}");
    };
    let mut device = ptr::null_mut();
    // SAFETY: every pointer is null or as the functions' contracts have it, but for those that they check.
    unsafe {
        let place = &raw mut device;
        refused(xnorforge_open(ptr::null(), path.as_ptr(), place), Status::Argument, "`address`");
        refused(xnorforge_open(address.as_ptr(), ptr::null(), place), Status::Argument, "`manifest_path`");
        refused(xnorforge_open(address.as_ptr(), path.as_ptr(), ptr::null_mut()), Status::Argument, "`device`");
        refused(xnorforge_open(c"\xff".as_ptr(), path.as_ptr(), place), Status::Argument, "UTF-8");
        refused(xnorforge_open(c"telnet:board".as_ptr(), path.as_ptr(), place), Status::Address, "telnet:board");
        refused(xnorforge_open(address.as_ptr(), c"/none.json".as_ptr(), place), Status::Manifest, "/none.json");
        assert!(device.is_null());
        device = board.open();
        let mut second = ptr::null_mut();
        refused(xnorforge_open(address.as_ptr(), path.as_ptr(), &mut second), Status::Device, "/dev/pts");
        assert!(second.is_null());
        let (image, mut scores) = ([0f32; INPUTS], [7f32; OUTPUTS]);
        let odd = image.as_ptr().byte_add(1);
        let room = scores.as_mut_ptr();
        refused(xnorforge_infer(ptr::null_mut(), image.as_ptr(), 1, room), Status::Argument, "`device`");
        refused(xnorforge_infer(device, ptr::null(), 1, room), Status::Argument, "`images`");
        refused(xnorforge_infer(device, image.as_ptr(), 1, ptr::null_mut()), Status::Argument, "`scores`");
        refused(xnorforge_infer(device, odd, 1, room), Status::Argument, "aligned");
        refused(xnorforge_infer(device, image.as_ptr(), usize::MAX / 4, room), Status::Argument, "memory");
        refused(xnorforge_infer(device, image.as_ptr(), usize::MAX, room), Status::Argument, "memory");
        assert_eq!(scores, [7.0; OUTPUTS], "refused calls write nothing");
        assert_eq!(xnorforge_infer(device, image.as_ptr(), 1, room), Status::Ok);
        assert_eq!((scores, message().as_str()), ([0.0; OUTPUTS], ""));
        xnorforge_close(device);
        xnorforge_close(ptr::null_mut());
        let nobody = ptr::null();
        assert_eq!((xnorforge_input_values(nobody), xnorforge_output_values(nobody)), (0, 0));
        assert!(!xnorforge_gives_indices(nobody));
    }
}

#[test]
fn a_manifest_that_promises_too_few_numbers_writes_none() {
    let board = Board::new(|manifest| manifest.output_map.shape = vec![1]);
    let device = board.open();
    let mut scores = [7f32; OUTPUTS];
    // SAFETY: an open device, an image, and room for more than the manifest promises.
    unsafe {
        let status = xnorforge_infer(device, [0f32; INPUTS].as_ptr(), 1, scores.as_mut_ptr());
        assert_eq!((status, scores), (Status::Manifest, [7.0; OUTPUTS]), "{}", message());
        xnorforge_close(device);
    }
}

#[test]
fn a_card_that_goes_away_is_an_error_and_no_end_of_the_process() {
    let stream = |channels| StreamFormat { element: ElementType::Signed { bits: 9 }, lanes: 2, channels, vectors: 1 };
    let manifest = manifest_of(stream(INPUTS), stream(OUTPUTS));
    let folder = TempDir::new().unwrap();
    let (bar, path) = (folder.path().join("bar"), folder.path().join("manifest.json"));
    fs::write(&path, serde_json::to_string(&manifest).unwrap()).unwrap();
    let card = IdleCard::new(&bar, &manifest);
    let mut device = ptr::null_mut();
    let (address, path) = (text(&format!("pcie:{}", bar.display())), text(path.to_str().unwrap()));
    let (images, mut scores) = ([0f32; INPUTS], [7f32; OUTPUTS]);
    // SAFETY: texts that end with a zero byte, a place for a pointer, an image and room for its scores.
    unsafe {
        assert_eq!(xnorforge_open(address.as_ptr(), path.as_ptr(), &mut device), Status::Ok, "{}", message());
        card.truncate().unwrap_err();
        for _ in 0..2 {
            assert_eq!(xnorforge_infer(device, images.as_ptr(), 1, scores.as_mut_ptr()), Status::Device);
            assert!(message().contains("has gone away") && message().contains("bar"), "{}", message());
        }
        xnorforge_close(device);
        assert_eq!(xnorforge_open(address.as_ptr(), path.as_ptr(), &mut device), Status::Device, "{}", message());
    }
    assert_eq!(scores, [7.0; OUTPUTS]);
}
