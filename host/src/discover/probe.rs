//! Who answers behind a bus.

use super::{Identity, State};
use crate::bus::memory::BarError;
use crate::{Bus, BusError, TransportError};
use abi::registers::{ABI_VERSION, AbiVersion, IDENTIFIER, Register};
use miette::Diagnostic;

/// Asks what `bus` leads to who it is. Only reads.
pub fn identify(bus: &mut impl Bus) -> State {
    match identity(bus) {
        Ok(state) => state,
        Err(error) => State::of(&error),
    }
}

fn identity(bus: &mut impl Bus) -> Result<State, BusError> {
    let found = bus.read_register(Register::Identifier)?;
    if found != IDENTIFIER {
        return Ok(State::NotOurs {
            found: format!("its register `identifier` reads {found:#010x}, not {IDENTIFIER:#010x}"),
        });
    }
    let version = AbiVersion::from_code(bus.read_register(Register::AbiVersion)?);
    let mut hash = [0; Register::DesignHash.words() as usize];
    bus.read(Register::DesignHash.address(), &mut hash)?;
    Ok(State::Ours(Identity {
        abi_version: version.to_string(),
        is_supported: ABI_VERSION.drives(version),
        design_hash: crate::device::hexadecimal(&hash),
        slots: bus.read_register(Register::Slots)?,
        clock_hertz: bus.read_register(Register::ClockHertz)?,
    }))
}

impl State {
    /// What an error says about a place.
    pub(super) fn of(error: &BusError) -> Self {
        let next_step = error.help().map(|help| help.to_string()).unwrap_or_default();
        match error {
            BusError::Silent { .. } => State::Silent { next_step },
            BusError::Unintelligible { .. } | BusError::Echo { .. } => State::NotOurs { found: error.to_string() },
            BusError::Transport(TransportError::Busy { .. }) | BusError::Bar(BarError::Busy { .. }) => {
                State::Busy { next_step }
            }
            BusError::Transport(TransportError::PermissionDenied { .. })
            | BusError::Bar(BarError::PermissionDenied { .. }) => State::PermissionDenied { next_step },
            BusError::Transport(TransportError::NotFound { .. } | TransportError::Closed { .. })
            | BusError::Bar(
                BarError::NotFound { .. } | BarError::NoFunction { .. } | BarError::Gone { .. } | BarError::Lost { .. },
            )
            | BusError::Stopped { .. } => State::Gone { next_step },
            _ => State::Failed { reason: error.to_string(), next_step },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::memory::FunctionAddress;

    #[test]
    fn errors_tell_states_apart_each_with_a_next_step() {
        let path = String::from("/dev/x");
        let function = FunctionAddress { domain: 0, bus: 1, device: 0, function: 0 };
        let state = |error: BusError| {
            let value = serde_json::to_value(State::of(&error)).expect("a state is plain data");
            let next_step = value["next_step"].as_str().unwrap_or("answers");
            assert!(!next_step.is_empty(), "{value}");
            value["state"].as_str().map(str::to_owned)
        };
        let line = |error: TransportError| state(error.into());
        let memory = |error: BarError| state(error.into());
        let is = |name: &str| Some(name.to_owned());
        assert_eq!(line(TransportError::Busy { path: path.clone() }), is("busy"));
        assert_eq!(line(TransportError::PermissionDenied { path: path.clone() }), is("permission_denied"));
        assert_eq!(line(TransportError::NotFound { path: path.clone() }), is("gone"));
        assert_eq!(line(TransportError::NotSerial { path: path.clone() }), is("failed"));
        assert_eq!(memory(BarError::PermissionDenied { path: path.clone().into() }), is("permission_denied"));
        assert_eq!(memory(BarError::Busy { path: path.into() }), is("busy"));
        assert_eq!(memory(BarError::NoFunction { function }), is("gone"));
        assert_eq!(memory(BarError::NoMemory { function }), is("failed"));
        assert_eq!(state(BusError::Silent { attempts: 1 }), is("silent"));
        assert_eq!(state(BusError::Unintelligible { attempts: 1, bytes: 9, broken: 1 }), is("not_ours"));
        assert_eq!(state(BusError::Stopped { attempts: 1 }), is("gone"));
    }
}
