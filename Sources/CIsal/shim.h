#pragma once
#include <isa-l/crc.h>

// crc32_iscsi with 256-bit and 512-bit registers (isa-l 2.30) returns without clearing their upper halves. Every SSE
// instruction of the caller then waits for the register that it writes to, until something clears them: a loop of a
// caller runs at two thirds of its speed.
static inline unsigned int crc32c_isal(unsigned char *bytes, int length, unsigned int seed) {
  unsigned int crc = crc32_iscsi(bytes, length, seed);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper");
#endif
  return crc;
}
