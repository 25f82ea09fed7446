// What holds between calls holds before the first one: the base of what every entry's proof starts from.
#include "model/hypervisor/request.h"
#include "model/relation/relation.h"
#include "proofs/layout/check.h"

namespace vmirom {

void check_initial_state(Check& check) {
  const Image& image = check.image;
  const relation::Layout layout = relation::Layout::from([&](const std::string& path) {
    const Place place = image.place(path);
    return std::pair{place.address, place.size};
  });
  const auto read = [&](uint32_t address, uint32_t bytes) {
    uint32_t value = 0;
    for (uint32_t i = bytes; i-- > 0;) value = value << 8 | image.byte(address + i);
    return value;
  };
  const VirtualCpu<Concrete> vcpu = relation::abstract_vcpu<Concrete>(layout, read);
  check.require(vcpu.initialised == 0, "vcpu.initialised: the image claims that Init has succeeded");
  const uint32_t work = read(layout.field("work").address, layout.field("work").size);
  // Nothing is claimed of the guest's registers before Init.
  for (const auto& fact : relation::invariants<Concrete>(vcpu, Registers<Concrete>{}, work))
    check.require(fact.holds, "the image's virtual CPU: it does not hold that " + fact.name);
  const uint32_t last = image.address_of("trap_table") + 4 * (kTrapTableDwords + 1);
  check.require(read(last, 4) == 0, std::string(kTableEnds) + ", but the image has " + hex(read(last, 4)));
}

}  // namespace vmirom
