//! What the machine asks of KVM.
