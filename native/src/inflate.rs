//! A raw DEFLATE (RFC 1951) decoder over zlib-rs: streaming, resumable at every byte, and exact about where the stream ends.

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

/// Why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All input is used, and all that it gave is written.
    WantsInput,
    OutputFull,
    Ended,
    Refused(Problem),
}

/// What one call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub stop: Stop,
    pub used: usize,
    pub written: usize,
}

/// Why a stream was refused; the words for these numbers are in src/relocation/engines/native-inflater.ts.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    Other = 1,
    BlockType = 2,
    StoredLength = 3,
    CodeCounts = 4,
    CodeLengthCode = 5,
    Repeat = 6,
    NoEndOfBlock = 7,
    LitlenCode = 8,
    DistanceCode = 9,
    LitlenSymbol = 10,
    DistanceSymbol = 11,
    TooFar = 12,
    Memory = 13,
}

impl Problem {
    /// By what zlib says, word for word.
    fn of(error: InflateError, message: Option<&str>) -> Self {
        if error == InflateError::MemError {
            return Problem::Memory;
        }
        match message.unwrap_or("").trim_end_matches('\0') {
            "invalid block type" => Problem::BlockType,
            "invalid stored block lengths" => Problem::StoredLength,
            "too many length or distance symbols" => Problem::CodeCounts,
            "invalid code lengths set" => Problem::CodeLengthCode,
            "invalid bit length repeat" => Problem::Repeat,
            "invalid code -- missing end-of-block" => Problem::NoEndOfBlock,
            "invalid literal/lengths set" => Problem::LitlenCode,
            "invalid distances set" => Problem::DistanceCode,
            "invalid literal/length code" => Problem::LitlenSymbol,
            "invalid distance code" => Problem::DistanceSymbol,
            "invalid distance code too far back" | "invalid distance too far back" => Problem::TooFar,
            _ => Problem::Other,
        }
    }
}

/// A decoder of one stream after the other.
pub struct Inflater {
    stream: Inflate,
}

impl Inflater {
    pub fn new() -> Self {
        Inflater { stream: Inflate::new(false, WINDOW_BITS) }
    }

    /// Begins another stream.
    pub fn reset(&mut self) {
        self.stream.reset(false);
    }

    /// Decodes until the input is used up, the output is full, or the stream ends. Not to be called again after it ended or was refused.
    pub fn run(&mut self, input: &[u8], output: &mut [u8]) -> Run {
        let mut used = 0;
        let mut written = 0;
        loop {
            let (from, to) = (&input[used..], &mut output[written..]);
            let (in_before, out_before) = (self.stream.total_in(), self.stream.total_out());
            let result = self.stream.decompress(from, to, InflateFlush::NoFlush);
            let taken = (self.stream.total_in() - in_before) as usize;
            let given = (self.stream.total_out() - out_before) as usize;
            used += taken;
            written += given;
            let stop = match result {
                Ok(Status::StreamEnd) => Some(Stop::Ended),
                Err(error) => Some(Stop::Refused(Problem::of(error, self.stream.error_message()))),
                Ok(_) if written == output.len() => Some(Stop::OutputFull),
                Ok(_) if used == input.len() => Some(Stop::WantsInput),
                Ok(_) if taken == 0 && given == 0 => Some(Stop::Refused(Problem::Other)),
                Ok(_) => None,
            };
            if let Some(stop) = stop {
                return Run { stop, used, written };
            }
        }
    }
}

const WINDOW_BITS: u8 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    /// Three bytes "abc" as a stored block, then as a fixed one.
    const STORED: [u8; 8] = [0x01, 0x03, 0x00, 0xfc, 0xff, b'a', b'b', b'c'];
    const FIXED: [u8; 5] = [0x4b, 0x4c, 0x4a, 0x06, 0x00];

    #[test]
    fn ends_exactly_at_every_split() {
        for stream in [&STORED[..], &FIXED[..]] {
            let mut input = stream.to_vec();
            input.extend([0xff; 9]);
            for cut in 0..=input.len() {
                let mut inflater = Inflater::new();
                let mut output = [0; 8];
                let first = inflater.run(&input[..cut], &mut output);
                if cut >= stream.len() {
                    assert_eq!(first, Run { stop: Stop::Ended, used: stream.len(), written: 3 });
                    continue;
                }
                assert_eq!((first.stop, first.used), (Stop::WantsInput, cut));
                let second = inflater.run(&input[cut..], &mut output[first.written..]);
                assert_eq!(second.stop, Stop::Ended);
                assert_eq!(cut + second.used, stream.len());
                assert_eq!(&output[..first.written + second.written], b"abc");
            }
        }
    }

    #[test]
    fn stops_where_the_output_is_full() {
        let mut inflater = Inflater::new();
        let mut output = [0; 2];
        let first = inflater.run(&FIXED, &mut output);
        assert_eq!((first.stop, first.written), (Stop::OutputFull, 2));
        let mut rest = [0; 2];
        let second = inflater.run(&FIXED[first.used..], &mut rest);
        assert_eq!((second.stop, second.written, rest[0]), (Stop::Ended, 1, b'c'));
    }

    #[test]
    fn says_why_it_refuses_and_can_be_reset() {
        let mut inflater = Inflater::new();
        let mut output = [0; 8];
        let run = inflater.run(&[0x07], &mut output);
        assert_eq!(run.stop, Stop::Refused(Problem::BlockType));
        inflater.reset();
        let run = inflater.run(&[0x01, 0x03, 0x00, 0xfc, 0xfe], &mut output);
        assert_eq!(run.stop, Stop::Refused(Problem::StoredLength));
        inflater.reset();
        assert_eq!(inflater.run(&STORED, &mut output).stop, Stop::Ended);
    }
}
