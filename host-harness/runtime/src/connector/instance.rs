//! One call in one fresh instance: made, bounded, run, dropped.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::{Store, Trap, UpdateDeadline};

use super::bindings::{Guest, World};
use super::engine::Runtime;
use super::ground::Ground;
use super::state::CallState;
use super::tape::Tape;
use crate::egress::{CallSends, Pending};
use crate::error::{CallError, Stop};

/// What to do with a fresh instance.
pub(super) type Call<R> = Box<
    dyn for<'a> FnOnce(&'a Guest<'a>, &'a mut Store<CallState>) -> Pending<'a, wasmtime::Result<R>>
        + Send,
>;

/// A call of one of the connector's functions with copies of what these references point to.
macro_rules! call {
    ($function:ident($($argument:ident),*)) => {{
        $(let $argument = ToOwned::to_owned($argument);)*
        let call: $crate::connector::instance::Call<_> =
            Box::new(move |guest, store| Box::pin(guest.$function(store, $($argument),*)));
        call
    }};
}
pub(super) use call;

/// Runs a call. Answers its result, and what it sent.
///
/// One that has to wait for the provider's limits before its first request is suspended, and begun
/// anew when its turn has come: waiting holds no instance. Instances are given out first come,
/// first served; of one limit's queue, only the first that may go waits for one.
pub(super) async fn run<R: Send>(
    runtime: &Runtime,
    world: &World,
    ground: Arc<Ground>,
    sends: CallSends,
    call: impl Fn() -> Call<R>,
) -> (Result<R, CallError>, CallSends) {
    let attempt = |sends| {
        run_once(runtime, world, &runtime.instances, Some(Arc::clone(&ground)), sends, call())
    };
    let mut next = sends;
    loop {
        // Kept while the call waits, too.
        let (result, sends, tape) = attempt(next).await;
        if sends.is_suspended() {
            runtime.counters.suspend();
        }
        match sends.resume().await {
            Ok(resumed) => {
                tape.discard();
                next = resumed;
            }
            Err(ended) => return (result, ended),
        }
    }
}

/// Runs a call that sends nothing. Those have instances of their own, so that nobody's requests
/// keep a delivery waiting.
pub(super) async fn run_offline<R: Send>(
    runtime: &Runtime,
    world: &World,
    ground: Option<Arc<Ground>>,
    sends: CallSends,
    call: Call<R>,
) -> (Result<R, CallError>, CallSends) {
    let (result, sends, _) =
        run_once(runtime, world, &runtime.offline_instances, ground, sends, call).await;
    (result, sends)
}

/// Runs `call` in an instance of its own.
///
/// A store is never used twice: after a trap or a cancelled call nothing in it can
/// be trusted, and a fresh one costs microseconds.
async fn run_once<R: Send>(
    runtime: &Runtime,
    world: &World,
    instances: &Semaphore,
    ground: Option<Arc<Ground>>,
    sends: CallSends,
    call: Call<R>,
) -> (Result<R, CallError>, CallSends, Tape) {
    // Never closed, so a failure to acquire cannot come.
    let _room = instances.acquire().await;
    let tape = Tape::new(world.recorder.get(), sends.suspensions());
    let mut store = Store::new(&runtime.engine, CallState::new(ground, sends, runtime.bounds));
    store.data_mut().tape = tape;
    bound(&mut store);
    let result = match world.pre.instantiate_async(&mut store).await {
        Ok(instance) => {
            let guest = Guest { world, instance };
            call(&guest, &mut store).await.map_err(|why| stop(&why))
        }
        Err(why) if why.is::<wasmtime::PoolConcurrencyLimitError>() => {
            Err(Stop::NoInstance(format!("{why:#}")))
        }
        Err(why) => Err(stop(&why)),
    };
    let state = store.data_mut();
    let mut sends = std::mem::take(&mut state.sends);
    if let Some(ground) = state.ground.as_ref().filter(|_| !sends.is_suspended()) {
        sends.tell_log(ground.observer.as_ref());
    }
    let mut tape = std::mem::take(&mut state.tape);
    if let Some(why) = result.as_ref().err().filter(|_| !sends.is_suspended()) {
        tape.stopped(why);
    }
    let wrote = sends.progress.wrote();
    (result.map_err(|reason| CallError::Stopped { reason, wrote }), sends, tape)
}

fn bound(store: &mut Store<CallState>) {
    let bounds = store.data().bounds();
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(bounds.crossing_bytes);
    store.set_epoch_deadline(1);
    let cpu = store.data().cpu.clone();
    store.call_hook(move |_, hook| {
        if hook.entering_host() {
            cpu.pause();
        } else {
            cpu.resume();
        }
        Ok(())
    });
    // At each tick others get their turn, and a guest that has used up its time is cut.
    store.epoch_deadline_callback(move |context| {
        let cpu = context.data().cpu.clone();
        if cpu.pause() {
            return Err(Trap::Interrupt.into());
        }
        let turn_of_others = async move {
            tokio::task::yield_now().await;
            cpu.resume();
        };
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn_of_others)))
    });
}

/// How a call was stopped that failed for `why`.
pub(super) fn stop(why: &wasmtime::Error) -> Stop {
    let text = format!("{:#}", why.root_cause());
    match why.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => Stop::OutOfTime,
        Some(Trap::StackOverflow) => Stop::StackOverflow,
        Some(trap) => Stop::Trapped(trap.to_string()),
        // The types of these errors are private to the engine; their texts are all there is.
        None if text.starts_with("too much data is being copied") => Stop::TooMuchData,
        None if text.starts_with("forcing trap when growing") => Stop::OutOfMemory,
        None => Stop::Trapped(text),
    }
}
