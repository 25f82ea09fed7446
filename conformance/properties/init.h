// Init from a guest's copy of the table, from the table itself, and from where it is not; before and after it has succeeded.
#ifndef VMIROM_CONFORMANCE_PROPERTIES_INIT_H_
#define VMIROM_CONFORMANCE_PROPERTIES_INIT_H_

#include "conformance/properties/descriptors.h"

namespace vmirom::conformance::arrange {

inline void Init(Random& r, Case& c) {
  if (r.one_in(2)) c.cpu.eip = kRomCopy + VMI_SLOT_BYTES * VMI_FIRST_SLOT;
  c.cpu.eax = r.one_in(3) ? r.pointer() : r.pick({kRomCopy, kRomCopy, VMI_WEDGE, 0, kArena + kPageBytes});
  if (c.vcpu && r.one_in(2)) c.vcpu->initialised = 0;
  if (r.one_in(6))
    put_table_register(c, c.cpu.eax + VMI_HEADER_SIGNATURE, VMI_API_MAJOR << 8 | VMI_API_MINOR, VMI_SIGNATURE);
  if (r.one_in(6))
    c.put(c.cpu.eax + VMI_HEADER_SIGNATURE, VMI_SIGNATURE, 4),
        c.put(c.cpu.eax + VMI_HEADER_MINOR, VMI_API_MAJOR << 8 | VMI_API_MINOR, 2);
}

inline void GetRelocationInfo(Random& r, Case& c) {
  if (c.vcpu && r.one_in(2)) c.vcpu->initialised = 0;
  if (r.one_in(4)) return;
  c.cpu.eax = r.below(100);
}

}  // namespace vmirom::conformance::arrange

#endif  // VMIROM_CONFORMANCE_PROPERTIES_INIT_H_
