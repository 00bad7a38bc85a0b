// How far mounts spread from here.
#pragma once

namespace consort {

// Gives every mount of this mount namespace the propagation, as mount(2) does for "/" - which refuses that (EINVAL) in
// a chroot whose root is no mount point. The root and the working directory must not be shared with another thread or
// process (CLONE_FS). Async-signal-safe; -1 and errno on failure.
int set_propagation(unsigned long propagation);

}  // namespace consort
