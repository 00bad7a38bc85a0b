// The functions that steps.cpp puts in order. Each one's definition says what must have happened before it.
#pragma once

#include "runtime/launch/steps.hpp"

namespace consort::runtime::internal {

Outcome stop_propagation(Child&);
Outcome attach_root(Child&);
Outcome make_mounts(Child&);
Outcome make_devices(Child&);
Outcome write_sysctls(Child&);
Outcome pivot(Child&);
Outcome cover_readonly(Child&);
Outcome cover_masked(Child&);
Outcome seal_root(Child&);
Outcome enter_directory(Child&);

Outcome guard_self(Child&);
Outcome set_oom_score(Child&);
Outcome join_cgroups(Child&);
Outcome wait_for_maps(Child&);
Outcome join_namespaces(Child&);
Outcome join_process(Child&);
Outcome choose_pid_namespace(Child&);
Outcome new_cgroup_namespace(Child&);
Outcome new_session(Child&);
Outcome loopback_up(Child&);
Outcome set_names(Child&);
Outcome open_console(Child&);
Outcome connect_stdio(Child&);
Outcome set_rlimits(Child&);
Outcome filter_early(Child&);
Outcome become_user(Child&);
Outcome set_capabilities(Child&);
Outcome tie_to_parent(Child&);
Outcome filter_late(Child&);
Outcome find_program(Child&);
Outcome wait_for_start(Child&);
Outcome step_inside(Child&);
Outcome execute(Child&);

// For bundles of other programs (steps_foreign.cpp).
Outcome set_labels(Child&);
Outcome nest(Child&);
Outcome set_first_processors(Child&);
Outcome new_time_namespace(Child&);
Outcome pause_for_hooks(Child&);
Outcome set_scheduling(Child&);
Outcome wait_at_gate(Child&);
Outcome report_listener(Child&, int listener);

}  // namespace consort::runtime::internal
