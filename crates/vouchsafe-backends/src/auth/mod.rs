//! Auth methods: how a workload or a person proves who they are.
