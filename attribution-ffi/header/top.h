/*
 * attribution.h - exact multi-touch attribution.
 *
 * Made from attribution-ffi by cbindgen; do not edit. C11 or later, C++17 or later.
 *
 * Statuses. Every function that can fail returns an attribution_status, and tells an attribution_error,
 * where it is given one, what went wrong and where. There is no hidden state: no last error, no global
 * settings, no threads that outlive a call (but for the look-up of a cache server's or webhook's name, where
 * the system takes longer over it than the call may). No function unwinds, and none ends the process: a panic
 * inside becomes ATTRIBUTION_STATUS_PANIC, and Rust prints its text to standard error. (Where the system has no
 * memory left, Rust ends the process all the same.) What a call that fails was to fill is as it was, or zeros.
 *
 * Handles. A pointer to a struct that is only named here is a handle. Whoever has it made owns it, and frees
 * it with the function of its name, by the address of the variable that holds it: that is set to NULL, and
 * freeing it again does nothing. A function that makes a handle sets the variable to NULL first, so that
 * after a failure it is NULL, which every function refuses or, where it frees, leaves alone. A handle that
 * was freed, or of another kind, is refused where it can be told by looking at it.
 *
 * All other structs are the caller's: they are read or filled during a call, and not kept, so threads may share
 * one that no call fills. Where a column may be left out, a slice of NULL and 0 leaves it out. What the caller's pointers in them point to is lent for the time of the call. What
 * pointers point to that the library filled in belongs to the handle that was asked, until that is freed.
 *
 * Threads. Handles may be passed from thread to thread. A handle may be used by several at once while none of
 * them changes or frees it; attribution_error and attribution_batch_append change what they are given.
 * After fork, a child may go on using handles, but for an attribution_cache.
 *
 * Callbacks. No function that the caller gives, be it a write, a progress or one of Arrow's (release, get_schema,
 * get_next, get_last_error), may unwind or jump out, or free what the call that runs was given.
 *
 * Signals. The library sets no handlers. While it talks to a database or another server, SIGPIPE is held back on the calling
 * thread, during the progress callback, too, so that a lost connection is a status even in a program that
 * has not switched it off.
 *
 * Structs with a `size` may grow at their end in later versions. Begin them with their _INIT, and an older or
 * newer library will understand them. All others never change.
 *
 * Money and stored credit are counts of 0.00001, percentages counts of 0.01 %. Times are unix seconds, UTC. Texts are UTF-8 and end with
 * a NUL.
 */
