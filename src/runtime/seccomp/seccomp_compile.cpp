// Compiles OCI rules to BPF with libseccomp, preceded by a short program of our own: libseccomp of Debian 12 ends at
// Linux 5.17. Calls newer than every name in a profile must fail as if the kernel did not have them (ENOSYS), not as
// forbidden (EPERM), or C libraries will not fall back to the older call.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "runtime/seccomp.hpp"

namespace consort::runtime {

namespace {

constexpr std::size_t max_instructions = 4096;  // BPF_MAXINSNS
constexpr std::uint32_t enosys = 38;

struct Named {
  std::string_view name;
  std::uint32_t value;
};

constexpr std::array<Named, 8> architecture_names = {{{"SCMP_ARCH_X86", SCMP_ARCH_X86},
                                                      {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
                                                      {"SCMP_ARCH_X32", SCMP_ARCH_X32},
                                                      {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
                                                      {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
                                                      {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
                                                      {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
                                                      {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64}}};

#if defined(__x86_64__)
constexpr std::uint32_t uretprobe = 335;  // in a gap between the old numbers
#else
constexpr std::uint32_t uretprobe = 0;  // does not exist
#endif

// Since 5.1, a new system call has the same number on every architecture.
constexpr std::array<Named, 19> recent_calls = {{{"uretprobe", uretprobe},
                                                 {"futex_waitv", 449},
                                                 {"set_mempolicy_home_node", 450},
                                                 {"cachestat", 451},
                                                 {"fchmodat2", 452},
                                                 {"map_shadow_stack", 453},
                                                 {"futex_wake", 454},
                                                 {"futex_wait", 455},
                                                 {"futex_requeue", 456},
                                                 {"statmount", 457},
                                                 {"listmount", 458},
                                                 {"lsm_get_self_attr", 459},
                                                 {"lsm_set_self_attr", 460},
                                                 {"lsm_list_modules", 461},
                                                 {"mseal", 462},
                                                 {"setxattrat", 463},
                                                 {"getxattrat", 464},
                                                 {"listxattrat", 465},
                                                 {"removexattrat", 466}}};

constexpr std::array<Named, 7> comparisons = {{{"SCMP_CMP_NE", SCMP_CMP_NE},
                                               {"SCMP_CMP_LT", SCMP_CMP_LT},
                                               {"SCMP_CMP_LE", SCMP_CMP_LE},
                                               {"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                               {"SCMP_CMP_GE", SCMP_CMP_GE},
                                               {"SCMP_CMP_GT", SCMP_CMP_GT},
                                               {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}}};

template <std::size_t N>
std::optional<std::uint32_t> look_up(const std::array<Named, N>& table, std::string_view name) {
  for (const Named& entry : table)
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

std::unexpected<Error> invalid(std::string why) {
  return fail(Error(Code::invalid, "compile seccomp profile").why(std::move(why)));
}

std::unexpected<Error> library_error(int result, const std::string& object) {
  return fail_errno(-result, "compile seccomp profile", object);
}

Result<std::uint32_t> action_of(const std::string& name, const Json& rule, std::string_view errno_key) {
  const auto number = static_cast<std::uint32_t>(get_int(rule, errno_key, EPERM)) & 0xffff;
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(number);
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  if (name == "SCMP_ACT_NOTIFY") return SCMP_ACT_NOTIFY;
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(number);
  return invalid("unknown action \"" + name + "\"");
}

struct FilterDeleter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

// A call that libseccomp does not know by name, without conditions.
struct Recent {
  std::uint32_t number;
  std::uint32_t action;
};

struct Compilation {
  Filter filter;
  std::uint32_t default_action = 0;
  std::vector<std::uint32_t> architectures;  // as AUDIT_ARCH_*, which are also libseccomp's tokens
  std::vector<Recent> recent;
  std::uint32_t newest = 0;
};

Result<> add_architectures(const Json& profile, Compilation& result) {
  ::seccomp_arch_remove(result.filter.get(), SCMP_ARCH_NATIVE);
  std::vector<std::string> names = get_strings(profile, "architectures");
  result.architectures.push_back(::seccomp_arch_native());
  for (const std::string& name : names) {
    const auto token = look_up(architecture_names, name);
    if (!token) return invalid("unknown architecture \"" + name + "\"");
    if (*token != result.architectures[0]) result.architectures.push_back(*token);
  }
  for (const std::uint32_t token : result.architectures) {
    const int added = ::seccomp_arch_add(result.filter.get(), token);
    if (added != 0 && added != -EEXIST) return library_error(added, "architecture");
  }
  return {};
}

Result<std::vector<scmp_arg_cmp>> conditions_of(const Json& rule) {
  std::vector<scmp_arg_cmp> conditions;
  const Json* list = find_key(rule, "args");
  if (!list || !list->is_array()) return conditions;
  if (list->size() > 6) return invalid("more than six conditions");
  for (const Json& entry : *list) {
    const std::int64_t index = get_int(entry, "index");
    const std::string name = get_string(entry, "op");
    const auto comparison = look_up(comparisons, name);
    if (!comparison) return invalid("unknown comparison \"" + name + "\"");
    if (index < 0 || index > 5) return invalid("a system call has six arguments");
    const auto value = static_cast<std::uint64_t>(get_int(entry, "value"));
    const auto second = static_cast<std::uint64_t>(get_int(entry, "valueTwo"));
    conditions.push_back({static_cast<unsigned>(index), static_cast<scmp_compare>(*comparison), value, second});
  }
  return conditions;
}

Result<> add_call(Compilation& result, const std::string& name, std::uint32_t action,
                  const std::vector<scmp_arg_cmp>& conditions) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  if (const auto recent = look_up(recent_calls, name); recent && *recent > 0) {
    result.newest = std::max(result.newest, *recent);
    if (number == __NR_SCMP_ERROR && conditions.empty()) result.recent.push_back({*recent, action});
  }
  if (number == __NR_SCMP_ERROR) return {};  // a call of another architecture or of a later kernel
  if (number > 0) result.newest = std::max(result.newest, static_cast<std::uint32_t>(number));
  if (action == result.default_action) return {};  // libseccomp refuses rules that change nothing
  const int added = ::seccomp_rule_add_array(result.filter.get(), action, number,
                                             static_cast<unsigned>(conditions.size()), conditions.data());
  // EDOM: a call that exists on none of the architectures. EEXIST: already added.
  if (added != 0 && added != -EEXIST && added != -EDOM) return library_error(added, name);
  return {};
}

Result<> add_rule(Compilation& result, const Json& rule) {
  const std::uint32_t action = TRY(action_of(get_string(rule, "action"), rule, "errnoRet"));
  const std::vector<scmp_arg_cmp> conditions = TRY(conditions_of(rule));
  // OCI: several conditions on the *same* argument are alternatives, on different ones they must all hold.
  bool same_argument = false;
  for (std::size_t i = 1; i < conditions.size(); ++i) same_argument |= conditions[i].arg == conditions[0].arg;
  for (const std::string& name : get_strings(rule, "names")) {
    if (!same_argument) {
      TRY(add_call(result, name, action, conditions));
      continue;
    }
    for (const scmp_arg_cmp& condition : conditions) TRY(add_call(result, name, action, {condition}));
  }
  return {};
}

// Comes first: allows the recent calls, and hides those newer than anything the profile names.
std::vector<sock_filter> make_prefix(const Compilation& compilation) {
  std::vector<sock_filter> program;
  const auto count = static_cast<std::uint8_t>(compilation.architectures.size());
  const bool hides = (compilation.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ||
                     compilation.default_action == SCMP_ACT_KILL_THREAD ||
                     compilation.default_action == SCMP_ACT_KILL_PROCESS;
  const std::size_t checks = 2 * compilation.recent.size() + (hides ? 3 : 0);
  if (checks == 0 || checks > 200) return program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  for (std::uint8_t i = 0; i < count; ++i)
    program.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, compilation.architectures[i], static_cast<std::uint8_t>(count - i), 0));
  program.push_back(BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(checks + 1)));
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const Recent& call : compilation.recent) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, call.action));
  }
  if (hides) {
    constexpr std::uint32_t x32_bit = 0x40000000;
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 2, 0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, compilation.newest, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | enosys));
  }
  return program;
}

Result<std::string> export_filter(const Compilation& compilation) {
  const Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return fail_errno("create memory file");
  if (const int result = ::seccomp_export_bpf(compilation.filter.get(), file.get()); result != 0)
    return library_error(result, "");
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("seek");
  const std::string body = TRY(read_all(file.get(), max_instructions * sizeof(sock_filter) * 4));
  const std::vector<sock_filter> prefix = make_prefix(compilation);
  std::string bytes(reinterpret_cast<const char*>(prefix.data()), prefix.size() * sizeof(sock_filter));
  bytes += body;
  if (bytes.size() / sizeof(sock_filter) > max_instructions) return invalid("it is too large for the kernel");
  return bytes;
}

}  // namespace

Result<std::string> compile_seccomp(std::string_view oci_json) {
  const Json profile = TRY(parse_json(oci_json, "seccomp profile"));
  Compilation result;
  result.default_action = TRY(action_of(get_string(profile, "defaultAction"), profile, "defaultErrnoRet"));
  result.filter.reset(::seccomp_init(result.default_action));
  if (!result.filter) return fail_errno(ENOMEM, "compile seccomp profile");
  TRY(add_architectures(profile, result));
  // A binary tree over the numbers instead of a list of hundreds: every call in the container pays for it.
  ::seccomp_attr_set(result.filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (const Json* rules = find_key(profile, "syscalls"); rules && rules->is_array())
    for (const Json& rule : *rules) TRY(add_rule(result, rule));
  return export_filter(result);
}

}  // namespace consort::runtime
