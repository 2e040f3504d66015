//! A device that was checked, and runs images.

mod error;
mod owner;
mod ring;
mod schema;
mod sessions;
mod statistics;
mod stream;
mod wait;
mod weights;

pub use error::DeviceError;
pub use owner::Owner;
pub(crate) use schema::hexadecimal;
pub use sessions::Sessions;
pub use statistics::Statistics;
pub use stream::Answers;

use crate::bus::Bus;
use abi::manifest::Manifest;
use abi::maps::Scores;
use abi::registers::{
    ABI_VERSION, AbiVersion, CONTROL_RESET, IDENTIFIER, MAX_WINDOW_BYTES, Register, STATUS_BUSY, STATUS_RESET,
};
use schema::{End, Schema};
use statistics::Latencies;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;
use stream::Stream;
use wait::{Pauses, reset_cycles};

/// Most images between two resets, far from where counters wrap around.
const MAX_IMAGES: u32 = 1 << 31;

/// How long the clock of a device may stand still while it has something to do: [`Device::with_patience`].
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// A device that runs the design of a manifest. A process forked later cannot use it, but may drop it.
#[derive(Debug)]
pub struct Device<B> {
    owner: Owner,
    bus: B,
    schema: Arc<Schema>,
    slots: usize,
    clock_hertz: u32,
    patience: Duration,
    sessions: Sessions,
    /// What this host wrote to the device after the last reset.
    session: u32,
    /// Images run since the last reset.
    images_run: u32,
    /// Images after which the device is reset.
    images_per_reset: u32,
    latencies: Latencies,
    /// Whether a run failed halfway, so that only a reset gives a known state.
    is_in_doubt: bool,
}

/// What a device counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Images handed over since the last reset, modulo 2^32.
    pub submitted: u32,
    /// Answers ready since the last reset, modulo 2^32.
    pub completed: u32,
    /// Clock cycles at work since the last reset, modulo 2^32.
    pub cycles: u32,
    /// Bytes that reached the device without a stop bit since the last reset, modulo 2^16.
    pub line_errors: u32,
    /// Frames that reached the device broken since the last reset, modulo 2^16.
    pub frame_errors: u32,
    /// Whether images are in work.
    pub is_busy: bool,
}

/// Checks that what `manifest` says fits together, so that its maps can be applied.
///
/// # Errors
/// Where it does not, or is of another version.
pub fn check_manifest(manifest: &Manifest) -> Result<(), DeviceError> {
    Schema::of(manifest).map(drop)
}

impl<B: Bus> Device<B> {
    /// Checks that what `bus` leads to runs the design of `manifest` with the weights of its network, and resets it.
    ///
    /// # Errors
    /// Where the manifest is not one, where nobody answers, or where another device or design does or one with other
    /// weights.
    pub fn open(bus: B, manifest: &Manifest) -> Result<Self, DeviceError> {
        Device::open_with(bus, manifest, Sessions::random())
    }

    /// As [`open`](Self::open), with numbers from `sessions`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(bus: B, manifest: &Manifest, sessions: Sessions) -> Result<Self, DeviceError> {
        let mut device = Device::connect(bus, manifest, sessions)?;
        device.check_weights()?;
        Ok(device)
    }

    /// As [`open`](Self::open), whatever weights there are.
    fn connect(mut bus: B, manifest: &Manifest, sessions: Sessions) -> Result<Self, DeviceError> {
        let schema = Arc::new(Schema::of(manifest)?);
        let found = bus.read_register(Register::Identifier)?;
        if found != IDENTIFIER {
            return Err(DeviceError::Identifier { expected: IDENTIFIER, found });
        }
        check_version(AbiVersion::from_code(bus.read_register(Register::AbiVersion)?))?;
        check_hash(&mut bus, &schema)?;
        let slots = bus.read_register(Register::Slots)?;
        if slots == 0 {
            return Err(DeviceError::NoSlots);
        }
        check_end(&mut bus, &schema.input, Register::InputWords, slots)?;
        check_end(&mut bus, &schema.output, Register::OutputWords, slots)?;
        let clock_hertz = bus.read_register(Register::ClockHertz)?;
        let mut device = Device {
            owner: Owner::this_process(),
            bus,
            schema,
            slots: slots as usize,
            clock_hertz,
            patience: DEFAULT_PATIENCE,
            sessions,
            session: 0,
            images_run: 0,
            images_per_reset: MAX_IMAGES,
            latencies: Latencies::default(),
            is_in_doubt: true,
        };
        device.reset()?;
        Ok(device)
    }

    /// The same device, whose clock may stand still for `patience` while it has images in work or resets. That counts pauses
    /// of the host, not time in which the host itself does not run. A clock that moves, in hardware or in a simulation of
    /// whatever speed, is given as many cycles as the manifest plans for an image, and some more.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same device, which is reset after `images` images, if not before.
    pub fn with_images_per_reset(mut self, images: u32) -> Self {
        self.images_per_reset = images.clamp(1, MAX_IMAGES);
        self
    }

    /// Empties the device: images in work are lost, counters begin at zero.
    ///
    /// # Errors
    /// Where the device does not answer or goes on counting.
    pub fn reset(&mut self) -> Result<(), DeviceError> {
        self.owner.check()?;
        self.is_in_doubt = true;
        self.bus.write_register(Register::Control, CONTROL_RESET)?;
        let mut pauses = Pauses::default();
        let most = reset_cycles(self.schema.weights.map_or(0, |weights| weights.words));
        // Memory that a simulation serves reads as written until the simulation has seen it.
        while self.bus.read_register(Register::Control)? & CONTROL_RESET != 0
            || self.bus.read_register(Register::Status)? & STATUS_RESET != 0
        {
            if pauses.still() > self.patience {
                return Err(DeviceError::ResetLasts { waited: self.patience });
            }
            if pauses.passed() > most {
                return Err(DeviceError::ResetStuck { most, cycles: pauses.passed() });
            }
            pauses.make(&mut self.bus)?;
        }
        for register in [Register::Submitted, Register::Completed] {
            let found = self.bus.read_register(register)?;
            if found != 0 {
                return Err(DeviceError::NotReset { register: register.name(), found });
            }
        }
        self.session = self.sessions.next();
        self.bus.write_register(Register::Session, self.session)?;
        self.images_run = 0;
        self.is_in_doubt = false;
        Ok(())
    }

    /// Runs images given as elements in stream order and answers the elements of the network's last tensor, in stream
    /// order too, image by image. Calls `progress` now and then with the number of finished images.
    ///
    /// A run after one that failed begins with a reset.
    ///
    /// A device that somebody else resets, or that loses its power, is noticed before an answer after that is given: it then
    /// no longer holds the number of this host's session.
    ///
    /// # Errors
    /// Where an image is not one of the network's, the device does not answer, or does not finish. Whatever the line
    /// does to bytes, the answers of a run that succeeds are the core's to these images.
    pub fn run(&mut self, images: &[Vec<i32>], progress: &mut dyn FnMut(usize)) -> Result<Vec<Vec<i32>>, DeviceError> {
        self.schema.check_images(images)?;
        let format = self.schema.input.format;
        let words = images.iter().map(move |image| Ok(format.pack(image)));
        let mut answers = Vec::with_capacity(images.len());
        for answer in Stream::new(self, words) {
            answers.push(answer?);
            progress(answers.len());
        }
        Ok(answers)
    }

    /// Runs images given as values in the row-major order of the model's input shape and answers their scores. Tells
    /// `progress` now and then how many images are done.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn infer(&mut self, images: &[Vec<f32>], progress: &mut dyn FnMut(usize)) -> Result<Vec<Scores>, DeviceError> {
        let elements = self.schema.elements(images)?;
        let answers = self.run(&elements, progress)?;
        Ok(answers.iter().map(|answer| self.schema.output_map.apply(answer)).collect())
    }

    /// Runs images as [`infer`](Self::infer) does, while they come: the iterator gives the scores of one after the other.
    /// It takes images from `images` ahead, as many as the device [holds](Self::slots) and a few more.
    ///
    /// ```
    /// # use abi::ElementType;
    /// # use abi::packing::StreamFormat;
    /// # use host::transport::fake::{SoftwareDevice, manifest_of};
    /// # use host::{Device, FrameBus};
    /// # let stream = StreamFormat { element: ElementType::Signed { bits: 8 }, lanes: 3, channels: 3, vectors: 1 };
    /// # let manifest = manifest_of(stream, stream);
    /// # let line = SoftwareDevice::new(&manifest, 2, <[i32]>::to_vec);
    /// # let mut device = Device::open(FrameBus::new(line), &manifest)?;
    /// let camera = (0..1000).map(|n| vec![n as f32 % 100.0; 3]);
    /// for scores in device.stream(camera).take(5) {
    ///     println!("{:?}", scores?);
    /// }
    /// # Ok::<(), host::DeviceError>(())
    /// ```
    ///
    /// An error is the last item. Where an image is the reason, the scores of all before it come first.
    pub fn stream<I: IntoIterator<Item = Vec<f32>>>(&mut self, images: I) -> Answers<'_, B, I::IntoIter> {
        Answers::new(self, images.into_iter())
    }

    /// What runs have taken since the device was opened.
    pub fn statistics(&self) -> Statistics {
        self.latencies.statistics(self.bus.statistics())
    }

    /// What the device has counted.
    ///
    /// # Errors
    /// Where the device does not answer.
    pub fn counters(&mut self) -> Result<Counters, DeviceError> {
        self.owner.check()?;
        Ok(Counters {
            submitted: self.bus.read_register(Register::Submitted)?,
            completed: self.bus.read_register(Register::Completed)?,
            cycles: self.bus.read_register(Register::Cycles)?,
            line_errors: self.bus.read_register(Register::LineErrors)?,
            frame_errors: self.bus.read_register(Register::FrameErrors)?,
            is_busy: self.bus.read_register(Register::Status)? & STATUS_BUSY != 0,
        })
    }

    /// Images that the device holds at once.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The device's clock as it states it, in Hz.
    pub fn clock_hertz(&self) -> u32 {
        self.clock_hertz
    }

    /// The bus.
    pub fn bus(&self) -> &B {
        &self.bus
    }

    /// The bus, whichever process asks. Whoever writes to registers or windows through it must [reset](Self::reset) the
    /// device before it runs images again.
    pub fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }
}

fn check_version(found: AbiVersion) -> Result<(), DeviceError> {
    if ABI_VERSION.drives(found) {
        return Ok(());
    }
    Err(match found.cmp(&ABI_VERSION) {
        Ordering::Greater => DeviceError::NewerDevice { expected: ABI_VERSION, found },
        Ordering::Less | Ordering::Equal => DeviceError::OlderDevice { expected: ABI_VERSION, found },
    })
}

fn check_hash(bus: &mut impl Bus, schema: &Schema) -> Result<(), DeviceError> {
    let mut found = [0; Register::DesignHash.words() as usize];
    bus.read(Register::DesignHash.address(), &mut found)?;
    if found == schema.design_hash {
        return Ok(());
    }
    let network = schema.network.clone();
    Err(DeviceError::DesignHash {
        network,
        expected: schema::hexadecimal(&schema.design_hash),
        found: schema::hexadecimal(&found),
    })
}

/// Checks the window of one end of the network: the size of an image there, and that the window lies where it may.
fn check_end(bus: &mut impl Bus, end: &End, register: Register, slots: u32) -> Result<(), DeviceError> {
    let found = bus.read_register(register)?;
    let (window, expected) = (end.name, end.format.words_per_image());
    if found as usize != expected {
        return Err(DeviceError::ImageWords { window, expected, found });
    }
    let bytes = 4 * u64::from(found) * u64::from(slots);
    if bytes > u64::from(MAX_WINDOW_BYTES) {
        return Err(DeviceError::WindowSize { window, slots, words: found, most: MAX_WINDOW_BYTES });
    }
    Ok(())
}
