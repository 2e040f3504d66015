/* Runs images on a device: infer ADDRESS MANIFEST < images > scores, numbers as text in both.
 *
 *   cargo build --release -p xnorforge-c
 *   cc -std=c99 -I bindings/c/include bindings/c/examples/infer.c target/release/libxnorforge_c.a -lpthread -ldl -lm
 */

#include <stdio.h>
#include <stdlib.h>

#include "xnorforge.h"

static int fail(xnorforge_status status) {
  fprintf(stderr, "%s\nhelp: %s\n", xnorforge_error_message(), xnorforge_error_help());
  return (int)status;
}

int main(int count, char **arguments) {
  xnorforge_device *device;
  xnorforge_status status;
  size_t inputs, outputs, i;
  float *image, *scores;
  if (count != 3) {
    fprintf(stderr, "usage: %s ADDRESS MANIFEST < images > scores\n", arguments[0]);
    return 1;
  }
  status = xnorforge_open(arguments[1], arguments[2], &device);
  if (status != XNORFORGE_STATUS_OK) return fail(status);
  inputs = xnorforge_input_values(device);
  outputs = xnorforge_output_values(device);
  image = (float *)malloc(inputs * sizeof *image);
  scores = (float *)malloc(outputs * sizeof *scores);
  if (!image || !scores) return 1;
  for (;;) {
    for (i = 0; i < inputs && scanf("%f", &image[i]) == 1; i++) {
    }
    if (i < inputs) break;
    status = xnorforge_infer(device, image, 1, scores);
    if (status != XNORFORGE_STATUS_OK) break;
    for (i = 0; i < outputs; i++) printf("%.9g%c", scores[i], i + 1 < outputs ? ' ' : '\n');
  }
  if (status != XNORFORGE_STATUS_OK) fail(status);
  free(image);
  free(scores);
  xnorforge_close(device);
  return (int)status;
}
