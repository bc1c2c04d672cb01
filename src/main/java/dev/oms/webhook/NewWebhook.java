package dev.oms.webhook;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * A webhook with a new secret on the wire.
 *
 * @param secret what it signs with: shown only once
 */
@RegisterForReflection
record NewWebhook(@JsonUnwrapped Webhook webhook, SigningSecret secret) {}
