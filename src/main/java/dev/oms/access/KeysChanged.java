package dev.oms.access;

/** Keys have been revoked or rolled: whoever was admitted with one must be asked for it again. */
public record KeysChanged() {}
