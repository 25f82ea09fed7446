// The table of calls for C++.
#ifndef VMIROM_MODEL_ABI_CALLS_H_
#define VMIROM_MODEL_ABI_CALLS_H_

#include <cstdint>
#include <string_view>

namespace vmirom {

// A call, by its slot.
enum class Call : uint8_t {
#define CALL(name, slot, ...) name = slot,
#include "model/abi/calls.def"
#undef CALL
};

enum class Stub : uint8_t { boundary, fast, absent };
enum class Segments : uint8_t { flat, ss_only };

struct CallInfo {
  Call call;
  std::string_view name;
  uint32_t slot;
  std::string_view number_3;
  std::string_view family;
  Stub stub;
  Segments segments;
  uint32_t stack_arguments;
  std::string_view inputs;
  std::string_view outputs;
  std::string_view summary;
};

inline constexpr CallInfo kCalls[] = {
#define CALL(name, slot, number, family, stub, segments, stack_arguments, inputs, outputs, summary) \
  {Call::name, #name, slot, number, #family, Stub::stub, Segments::segments, stack_arguments, inputs, outputs, summary},
#include "model/abi/calls.def"
#undef CALL
};

// The call of a name; null when there is none.
constexpr const CallInfo* find_call(std::string_view name) {
  for (const CallInfo& info : kCalls)
    if (info.name == name) return &info;
  return nullptr;
}

constexpr const CallInfo& info_of(Call call) {
  for (const CallInfo& info : kCalls)
    if (info.call == call) return info;
  return kCalls[0];
}

// Bytes below the entry's ESP that a call may use, traps it provokes included, and bytes above that belong to the call.
inline constexpr uint32_t kStackBelow = 1024;
inline constexpr uint32_t kStackAbove = 64;

}  // namespace vmirom

#endif  // VMIROM_MODEL_ABI_CALLS_H_
