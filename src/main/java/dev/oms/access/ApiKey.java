package dev.oms.access;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Instant;
import java.util.List;

/**
 * An API key on the wire.
 *
 * @param hint its first characters
 * @param userId the only user whose data it sees and changes, or null for all
 * @param rate the units that it may use a second, or null for the default
 * @param createdBy who created it
 * @param expiresAt when it stops being accepted, or null
 * @param revokedAt when it stopped being accepted, or null
 * @param revokedBy who revoked it, or null
 * @param successorId the key that replaced it when it was rolled, or null
 * @param lastUsedAt when it was last accepted, to the minute, or null
 * @param status active, expired or revoked
 * @param key the key itself: only in the response that creates it
 */
@RegisterForReflection
record ApiKey(
        long id,
        String name,
        String hint,
        List<String> scopes,
        Long userId,
        Integer rate,
        String createdBy,
        Instant createdAt,
        Instant expiresAt,
        Instant revokedAt,
        String revokedBy,
        Long successorId,
        Instant lastUsedAt,
        String status,
        @JsonInclude(JsonInclude.Include.NON_NULL) String key) {

    ApiKey withSecret(KeySecret secret) {
        return new ApiKey(
                id,
                name,
                hint,
                scopes,
                userId,
                rate,
                createdBy,
                createdAt,
                expiresAt,
                revokedAt,
                revokedBy,
                successorId,
                lastUsedAt,
                status,
                secret.value());
    }
}
