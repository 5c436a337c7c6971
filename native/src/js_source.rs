//! A file whose bytes JavaScript has: every read calls a function of the loader's side (src/relocation/engines/native-patchers.ts).

use std::ptr;

use napi::bindgen_prelude::{FnArgs, Function, Uint8ArraySlice};
use napi::{sys, Env};

use crate::source::{Source, Unreadable};

/// Gives the bytes at an offset, up to a length; `undefined` where it has failed, for a reason that it keeps.
pub type ReadFunction<'call> = Function<'call, FnArgs<(f64, f64)>, Option<Uint8ArraySlice<'call>>>;

pub struct JsSource<'call> {
    env: Env,
    size: u64,
    read: ReadFunction<'call>,
    /// What was read last. JavaScript runs, and so may write or free it, only in the next read.
    bytes: Option<Uint8ArraySlice<'call>>,
    /// Keeps the array alive until the next read; without it each read would hold its array until the whole call ends.
    scope: sys::napi_handle_scope,
}

impl<'call> JsSource<'call> {
    pub fn new(env: &Env, size: f64, read: ReadFunction<'call>) -> Self {
        JsSource { env: *env, size: size as u64, read, bytes: None, scope: ptr::null_mut() }
    }

    fn release(&mut self) {
        self.bytes = None;
        if !self.scope.is_null() {
            // SAFETY: opened by `read`, and nothing that was made in it is held any longer.
            unsafe { sys::napi_close_handle_scope(self.env.raw(), self.scope) };
            self.scope = ptr::null_mut();
        }
    }
}

impl Source for JsSource<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, offset: u64, length: u64) -> Result<&[u8], Unreadable> {
        self.release();
        // SAFETY: closed by `release`, at the latest when this is dropped.
        unsafe { sys::napi_open_handle_scope(self.env.raw(), &mut self.scope) };
        self.bytes =
            self.read.call(FnArgs { data: (offset as f64, length as f64) }).map_err(|_| Unreadable)?;
        let bytes: &[u8] = self.bytes.as_ref().ok_or(Unreadable)?;
        Ok(&bytes[..bytes.len().min(length as usize)])
    }
}

impl Drop for JsSource<'_> {
    fn drop(&mut self) {
        self.release();
    }
}
