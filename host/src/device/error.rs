//! What can go wrong with a device.

use crate::bus::BusError;
use abi::ElementType;
use abi::maps::MapError;
use abi::registers::{AbiVersion, IDENTITY_UNKNOWN};
use miette::Diagnostic;
use std::time::Duration;
use thiserror::Error;

/// A device that cannot be used, or a run that gave no answers.
#[derive(Debug, Error, Diagnostic)]
pub enum DeviceError {
    /// An access failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bus(#[from] BusError),
    /// Another process opened the device.
    #[error(
        "the device must be used by the process that opened it, {owner}, but is used by {found}, forked from it later"
    )]
    #[diagnostic(
        code(host::device::forked),
        help(
            "open the device in the process that uses it, after the fork, and close it in the other one before: a device \
             has one host at a time"
        )
    )]
    Forked {
        /// Number of the process that opened it.
        owner: u32,
        /// Number of the process that uses it.
        found: u32,
    },
    /// Something answers, but no device of xnorforge.
    #[error("the device's register `identifier` must read {expected:#010x}, but reads {found:#010x}")]
    #[diagnostic(
        code(host::device::identifier),
        help("this is no design of xnorforge: load the bitstream of DIR/build into the board, or give another path")
    )]
    Identifier {
        /// What every device reads.
        expected: u32,
        /// What this one reads.
        found: u32,
    },
    /// The device is of an interface that this program no longer drives.
    #[error("the device's interface must be of version {expected}, but is of the older version {found}")]
    #[diagnostic(
        code(host::device::older_interface),
        help("the design was built by an older xnorforge: compile, build and flash it with this version")
    )]
    OlderDevice {
        /// The version of this program.
        expected: AbiVersion,
        /// The version of the device.
        found: AbiVersion,
    },
    /// The device is of an interface that this program does not drive yet.
    #[error("the device's interface must be of version {expected}, but is of the newer version {found}")]
    #[diagnostic(
        code(host::device::newer_interface),
        help("the design was built by a newer xnorforge: update this program, or build and flash the design with it")
    )]
    NewerDevice {
        /// The version of this program.
        expected: AbiVersion,
        /// The version of the device.
        found: AbiVersion,
    },
    /// The device runs another design.
    #[error("the device must run the design {expected} of `{network}`, but runs {found}")]
    #[diagnostic(
        code(host::device::design),
        help(
            "load this directory's bitstream into the board, or give the directory that the device was built \
             from"
        )
    )]
    DesignHash {
        /// Name of the network.
        network: String,
        /// Hash of the manifest's design.
        expected: String,
        /// Hash of the device's design.
        found: String,
    },
    /// The device holds no images.
    #[error("the device must hold at least one image, but its register `slots` reads 0")]
    #[diagnostic(
        code(host::device::slots),
        help("this is a fault of the device's design: build and flash it with this version")
    )]
    NoSlots,
    /// The device's images are of another size.
    #[error("an image in the {window} window must have {expected} words, but the device states {found}")]
    #[diagnostic(
        code(host::device::image_words),
        help("manifest and device are not of one `xnorforge compile`: compile, build and flash again")
    )]
    ImageWords {
        /// `input` or `output`.
        window: &'static str,
        /// Words by the manifest.
        expected: usize,
        /// Words by the device.
        found: u32,
    },
    /// The device's window is larger than addresses allow.
    #[error("the {window} window must have at most {most} bytes, but the device states {slots} slots of {words} words")]
    #[diagnostic(
        code(host::device::window_size),
        help("this is a fault of the device's design: build and flash it with this version")
    )]
    WindowSize {
        /// `input` or `output`.
        window: &'static str,
        /// Images of the window.
        slots: u32,
        /// Words of an image.
        words: u32,
        /// Most bytes of a window.
        most: u32,
    },
    /// The device holds the weights of another network.
    #[error("the device must hold the weights of `{network}`, {}, but holds {}", shown(*.expected), shown(*.found))]
    #[diagnostic(
        code(host::device::other_weights),
        help(
            "load them with `xnorforge load DIR MODEL --on DEVICE` (without MODEL those that DIR was compiled with); \
             configuring the FPGA brings back the compiled ones"
        )
    )]
    OtherWeights {
        /// Name of the network.
        network: String,
        /// Identity of its weights.
        expected: u32,
        /// Identity of the device's.
        found: u32,
    },
    /// The device's weight window is of another size.
    #[error("the weight window must have {expected} words, but the device states {found}")]
    #[diagnostic(
        code(host::device::weight_words),
        help("manifest and device are not of one `xnorforge compile`: compile, build and flash again")
    )]
    WeightWords {
        /// Words by the manifest.
        expected: u32,
        /// Words by the device.
        found: u32,
    },
    /// Weights beyond the window.
    #[error("weights must lie in the window of {words} words, but {count} are to be written from word {first} on")]
    #[diagnostic(code(host::device::weight_place), help("give the words that `xnorforge load` makes for this design"))]
    WeightPlace {
        /// Words of the window.
        words: u32,
        /// Number of the first word.
        first: u32,
        /// Their number.
        count: usize,
    },
    /// A word of the weights reads otherwise than it was written.
    #[error("word {word} of the weights must read {expected:#010x} as it was written, but reads {found:#010x}")]
    #[diagnostic(
        code(host::device::weights_not_held),
        help("configure the FPGA anew and load again; if it persists, the board or the bitstream is at fault")
    )]
    WeightsNotHeld {
        /// Its number in the window.
        word: u32,
        /// What was written.
        expected: u32,
        /// What was read.
        found: u32,
    },
    /// The manifest breaks a rule.
    #[error("`{field}` of the manifest must be {expected}, but is {found}")]
    #[diagnostic(
        code(host::device::manifest),
        help("manifest.json is damaged, edited or of another version; write it again with `xnorforge compile`")
    )]
    Manifest {
        /// The field.
        field: &'static str,
        /// What must stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// An image that the input map cannot take.
    #[error("image {image}: {source}")]
    #[diagnostic(code(host::device::input), help("give images of the shape and domain that `xnorforge info` shows"))]
    Input {
        /// Index of the image.
        image: usize,
        /// What is wrong with it.
        source: MapError,
    },
    /// An image, given as elements, of the wrong size.
    #[error("image {image} must have {expected} elements, but has {found}")]
    #[diagnostic(code(host::device::image_size), help("give each image as the manifest's input map makes it"))]
    ImageSize {
        /// Index of the image.
        image: usize,
        /// Elements of the network's images.
        expected: usize,
        /// Elements of this one.
        found: usize,
    },
    /// An element that the core's stream cannot carry.
    #[error("element {index} of image {image} must be of the type {element}, but is {found}")]
    #[diagnostic(code(host::device::element), help("give each image as the manifest's input map makes it"))]
    Element {
        /// Index of the image.
        image: usize,
        /// Index of the element, in stream order.
        index: usize,
        /// The network's type.
        element: ElementType,
        /// The element.
        found: i32,
    },
    /// The device works, but its core has stopped.
    #[error(
        "the device must finish every image, but it took {taken}, finished {finished}, and then none in {cycles} clock \
         cycles of its own"
    )]
    #[diagnostic(
        code(host::device::stuck),
        help("the core is stuck: check that `xnorforge simulate DIR` passes and that the design met its timing")
    )]
    Stuck {
        /// Images handed over in this run.
        taken: usize,
        /// Images finished in this run.
        finished: usize,
        /// Clock cycles of the device without another one.
        cycles: u32,
    },
    /// The device's clock stands still.
    #[error(
        "the device must count clock cycles while it works, but it took {taken} images, finished {finished}, and then \
         counted none for {waited:?}"
    )]
    #[diagnostic(
        code(host::device::halted),
        help(
            "where `xnorforge simulate DIR --serve` serves the device, check that it still runs; else its clock stands \
             still: configure the board anew"
        )
    )]
    Halted {
        /// Images handed over in this run.
        taken: usize,
        /// Images finished in this run.
        finished: usize,
        /// Time without a clock cycle.
        waited: Duration,
    },
    /// The device forgot what it was doing.
    #[error("the device's register `{register}` must read {least} to {most}, but reads {found}")]
    #[diagnostic(
        code(host::device::out_of_step),
        help(
            "the device was reset or configured anew during the run, or another program drives it too: check its power \
             and run again"
        )
    )]
    OutOfStep {
        /// The register.
        register: &'static str,
        /// Least value by what the host has seen.
        least: u32,
        /// Greatest value by what the host has handed over.
        most: u32,
        /// The value.
        found: u32,
    },
    /// Somebody else reset the device.
    #[error(
        "nobody else may reset the device, but its register `session` must read {expected:#010x} and reads {found:#010x}"
    )]
    #[diagnostic(
        code(host::device::foreign_reset),
        help(
            "the device was reset or configured anew during the run, or another program drives it too: check its power \
             and run again"
        )
    )]
    ForeignReset {
        /// What this host wrote.
        expected: u32,
        /// What stands there.
        found: u32,
    },
    /// The device goes on resetting.
    #[error("a reset must be over within {waited:?}, but the device still reports one")]
    #[diagnostic(
        code(host::device::reset_lasts),
        help(
            "where a simulation serves the device, check that it still runs; else this is a fault of the device's design or \
             its clock stands still: configure the board anew"
        )
    )]
    ResetLasts {
        /// How long the host waited.
        waited: Duration,
    },
    /// A simulated device goes on resetting while its clock moves.
    #[error("a reset must be over within {most} clock cycles, but the device still reports one after {cycles}")]
    #[diagnostic(
        code(host::device::reset_stuck),
        help("this is a fault of the device's design, or what serves the device has lost its reset: serve it anew")
    )]
    ResetStuck {
        /// Clock cycles that a reset may take.
        most: u64,
        /// Clock cycles that the device has counted.
        cycles: u64,
    },
    /// The device does not obey.
    #[error("the device's register `{register}` must read 0 after a reset, but reads {found}")]
    #[diagnostic(
        code(host::device::not_reset),
        help(
            "another program drives the device too, or this is a fault of its design: build and flash it with this \
             version"
        )
    )]
    NotReset {
        /// The register.
        register: &'static str,
        /// The value.
        found: u32,
    },
}

/// What is known of weights with the given identity.
fn shown(identity: u32) -> String {
    match identity {
        0 => "those it was compiled with".to_owned(),
        IDENTITY_UNKNOWN => "weights that were loaded in part".to_owned(),
        identity => format!("loaded ones of the identity {identity:08x}"),
    }
}
