/* Drives FPGA accelerators that xnorforge made. Written by cbindgen from bindings/c/src: change it there. */

#ifndef XNORFORGE_H
#define XNORFORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 How a call ended. The numbers are the same in every version.
 */
typedef enum {
  /*
   It did what it should.
   */
  XNORFORGE_STATUS_OK = 0,
  /*
   An argument is NULL, or no text, or too many.
   */
  XNORFORGE_STATUS_ARGUMENT = 1,
  /*
   The address names no device.
   */
  XNORFORGE_STATUS_ADDRESS = 2,
  /*
   The manifest cannot be read, or is none of this version.
   */
  XNORFORGE_STATUS_MANIFEST = 3,
  /*
   An image does not fit the network.
   */
  XNORFORGE_STATUS_INPUT = 4,
  /*
   The device is missing, busy, another one, or failed.
   */
  XNORFORGE_STATUS_DEVICE = 5,
  /*
   A fault of xnorforge.
   */
  XNORFORGE_STATUS_INTERNAL = 6,
} xnorforge_status;

/*
 An open device. One thread at a time may use it, of the process that opened it.

 A fork copies it for the other process too. There `xnorforge_infer` refuses it with `XNORFORGE_STATUS_DEVICE` and reaches
 nothing; `xnorforge_close` gives up the copy without a word to the device. A copy that stays open can keep the parent from
 opening the device again. Where the other process is to use a device, it opens one after the fork.
 */
typedef struct xnorforge_device xnorforge_device;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Opens the device at `address` ("uart:PATH[@BAUD]", "pcie:BDF" or "pcie:FILE"), checks that it runs the design of the
 manifest.json at `manifest_path`, and writes it to `*device`, which is NULL where that fails.

 # Safety
 Both texts end with a zero byte, and `device` points to a place for a pointer.
 */
xnorforge_status xnorforge_open(const char *address, const char *manifest_path, xnorforge_device **device);

/*
 Runs `count` images and writes their outputs.

 `images` has `count` times `xnorforge_input_values` numbers, each image in the row-major order of the model's input
 shape. `scores` gets `count` times `xnorforge_output_values` numbers; they are indices of classes where
 `xnorforge_gives_indices` says so. Where the call fails, `scores` is as it was.

 # Safety
 `device` comes from `xnorforge_open` and was not closed; `images` can be read and `scores` written in full, and they
 do not overlap.
 */
xnorforge_status xnorforge_infer(xnorforge_device *device, const float *images, size_t count, float *scores);

/*
 Numbers of one image, 0 where `device` is NULL.

 # Safety
 `device` comes from `xnorforge_open` and was not closed.
 */
size_t xnorforge_input_values(const xnorforge_device *device);

/*
 Numbers of one image's output, 0 where `device` is NULL.

 # Safety
 `device` comes from `xnorforge_open` and was not closed.
 */
size_t xnorforge_output_values(const xnorforge_device *device);

/*
 Whether the outputs are indices of classes and no scores; false where `device` is NULL.

 # Safety
 `device` comes from `xnorforge_open` and was not closed.
 */
bool xnorforge_gives_indices(const xnorforge_device *device);

/*
 Closes the device; does nothing where it is NULL. The pointer must not be used afterwards. In a forked process, only
 its copy is given up; none that another thread used at the fork may be.

 # Safety
 `device` comes from `xnorforge_open` and was not closed.
 */
void xnorforge_close(xnorforge_device *device);

/*
 What went wrong in this thread's last call: what must hold and what was found. Empty where nothing did; valid until this
 thread's next call of a function with a status.
 */
const char *xnorforge_error_message(void);

/*
 What to do about it: the next step. As long valid as the message.
 */
const char *xnorforge_error_help(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* XNORFORGE_H */
