// The C shim: what Swift cannot call by itself (clone3, namespaces, raw recvmsg, tun, fuse, shared atomics). Linux only.
#pragma once
#include "clinux_fuse.h"
#include "clinux_net.h"
#include "clinux_spawn.h"
