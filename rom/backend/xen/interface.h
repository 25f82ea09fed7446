// Xen's public headers in their present version. Left to themselves they speak the interface of 2005, in which some
// hypercalls have other numbers.
#ifndef VMIROM_ROM_BACKEND_XEN_INTERFACE_H_
#define VMIROM_ROM_BACKEND_XEN_INTERFACE_H_

#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#include <xen/xen.h>

#endif  // VMIROM_ROM_BACKEND_XEN_INTERFACE_H_
