//! A recorded session is a test without its device.

#![allow(clippy::unwrap_used)]

use abi::ElementType;
use abi::manifest::Manifest;
use abi::packing::StreamFormat;
use host::device::Sessions;
use host::transport::fake::{SoftwareDevice, manifest_of};
use host::transport::record::{Event, Recorder, Recording, RecordingError, Replay};
use host::{BusError, Device, DeviceError, FrameBus, Transport, TransportError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use testkit::streams::SHORT;

const STREAM: StreamFormat =
    StreamFormat { element: ElementType::Signed { bits: 8 }, lanes: 3, channels: 3, vectors: 2 };

fn images() -> Vec<Vec<i32>> {
    (0..7).map(|image| (0..6).map(|index| image * 6 + index - 20).collect()).collect()
}

fn run(
    line: impl Transport,
    manifest: &Manifest,
    seed: u64,
    images: &[Vec<i32>],
) -> Result<Vec<Vec<i32>>, DeviceError> {
    let bus = FrameBus::new(line).with_patience(SHORT);
    Device::open_with(bus, manifest, Sessions::seeded(seed))?.run(images, &mut |_| {})
}

/// A recording of a run, and what it answered.
fn recorded(seed: u64) -> (String, Vec<Vec<i32>>, Manifest) {
    let manifest = manifest_of(STREAM, STREAM);
    let device = SoftwareDevice::new(&manifest, 2, |image| image.iter().rev().copied().collect());
    let mut file = Vec::new();
    let answers = run(Recorder::new(device, &mut file, seed).unwrap(), &manifest, seed, &images()).unwrap();
    (String::from_utf8(file).unwrap(), answers, manifest)
}

#[test]
fn a_recording_answers_as_the_device_did() {
    for seed in [0, 1, 0x1234_5678_9abc_def0] {
        let (text, answers, manifest) = recorded(seed);
        let recording = Recording::parse(&text).unwrap();
        assert_eq!(recording.seed, seed);
        let mut line = Replay::new(recording);
        assert_eq!(run(&mut line, &manifest, seed, &images()).unwrap(), answers);
        assert!(line.is_over());
    }
}

#[test]
fn another_request_is_refused_where_it_differs() {
    let (text, _, manifest) = recorded(5);
    let recording = Recording::parse(&text).unwrap();
    let sent: Vec<u8> = recording
        .events
        .iter()
        .filter_map(|event| if let Event::Sent(bytes) = event { Some(bytes.clone()) } else { None })
        .flatten()
        .collect();
    let mut changed = images();
    changed[4][0] = 99;
    let error = run(Replay::new(recording.clone()), &manifest, 5, &changed).unwrap_err();
    let DeviceError::Bus(BusError::Transport(TransportError::OtherRequest { position, expected, found })) = error
    else {
        panic!("{error}");
    };
    assert_eq!((expected, found), (sent[position], 99));
    // The recorded byte there is the element of the fifth image that was changed.
    assert_eq!(expected, images()[4][0] as u8);

    let other = run(Replay::new(recording.clone()), &manifest, 6, &images()).unwrap_err();
    assert!(matches!(other, DeviceError::Bus(BusError::Transport(TransportError::OtherRequest { .. }))), "{other}");

    let more = [images(), images()].concat();
    let longer = run(Replay::new(recording), &manifest, 5, &more).unwrap_err();
    assert!(matches!(longer, DeviceError::Bus(BusError::Transport(_))), "{longer}");
}

#[test]
fn silence_and_jams_are_replayed() {
    let text = "xnorforge line recording 1\nseed 1 byte_nanoseconds 10 time_scale 3\n\
                0 > 0102\n1 .\n2 < 0304\n3 ! 05\n4 > 06\n5 x\n";
    let mut line = Replay::new(Recording::parse(text).unwrap());
    let (mut buffer, patience) = ([0; 1], Duration::from_secs(9));
    assert_eq!(line.pace().time_scale, 3);
    assert!(matches!(line.read(&mut buffer, patience), Err(TransportError::Timeout { .. })));
    line.write(&[1], patience).unwrap();
    line.write(&[2], patience).unwrap();
    let unread = line.clone().write(&[5], patience).unwrap_err();
    assert!(matches!(unread, TransportError::UnreadReplay { position: 2, bytes: 2 }), "{unread}");
    assert!(matches!(line.read(&mut buffer, patience), Err(TransportError::Timeout { .. })));
    assert_eq!((line.read(&mut buffer, patience).unwrap(), buffer), (1, [3]));
    assert_eq!((line.read(&mut buffer, patience).unwrap(), buffer), (1, [4]));
    assert!(matches!(line.write(&[5], patience), Err(TransportError::Timeout { .. })));
    line.write(&[6], patience).unwrap();
    assert!(matches!(line.read(&mut buffer, patience), Err(TransportError::Closed { .. })));
    assert!(matches!(line.write(&[7], patience), Err(TransportError::Closed { .. })));
}

#[test]
fn damaged_recordings_are_refused_and_never_panic() {
    let (text, _, _) = recorded(3);
    assert!(matches!(Recording::parse(""), Err(RecordingError::Head { .. })));
    assert!(matches!(Recording::parse(&text.replace("recording 1", "recording 2")), Err(RecordingError::Head { .. })));
    let third = text.lines().nth(2).unwrap();
    for damage in ["0 > 7", "0 >", "0 ? 7e", "late > 7e", "0 > 7e 7e", "0 . 7e", "0 > ü", ""] {
        let damaged = text.replacen(third, damage, 1);
        assert!(matches!(Recording::parse(&damaged), Err(RecordingError::Line { line: 3, .. })), "{damage}");
    }
    assert!(matches!(Recording::parse(text.trim_end()), Err(RecordingError::Cut { .. })));
    assert!(matches!(Recording::read("nowhere".as_ref()), Err(RecordingError::File { .. })));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..2000 {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.random();
        }
        bytes.truncate(random.random_range(0..=bytes.len()));
        let _ = Recording::parse(&String::from_utf8_lossy(&bytes));
    }
}
