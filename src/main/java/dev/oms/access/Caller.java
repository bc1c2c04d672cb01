package dev.oms.access;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.runtime.QuarkusSecurityIdentity;
import java.security.Principal;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * Who makes a call.
 *
 * @param name what changes are recorded under: {@code key:shop-1}, or {@code oidc:} and the subject of a token; null
 *     while {@code OMS_AUTH} is off
 * @param keyId the key that it has, or null
 * @param scopes what it may do
 * @param userId the only user whose data it sees and changes, or null for all
 */
public record Caller(String name, Long keyId, Set<String> scopes, Long userId) implements Principal {
    /** Everybody, while {@code OMS_AUTH} is off. */
    public static final Caller ANYBODY = new Caller(null, null, Scopes.ALL, null);

    /**
     * Refuses a caller that is bound to another user as if there were no such user.
     *
     * @throws ProblemException 404 when the caller is bound to another user
     */
    public void require(long user) {
        if (userId != null && userId != user) {
            throw ProblemException.unknown("user", user);
        }
    }

    /**
     * What tells this caller from others: its key, its subject or, while it needs neither, the address it calls from.
     */
    public String keyOr(String address) {
        if (keyId != null) {
            return "key " + keyId;
        }
        return name == null ? address : name;
    }

    /**
     * This caller, as Quarkus Security knows it.
     *
     * @param quota null for none
     * @param end when its key or token ends, or null for never
     */
    SecurityIdentity identity(SharedQuota quota, Instant end) {
        QuarkusSecurityIdentity.Builder identity =
                QuarkusSecurityIdentity.builder().setPrincipal(this).addPermissionsAsString(scopes);
        if (quota != null) {
            identity.addAttribute(Quotas.ATTRIBUTE, quota);
        }
        if (end != null) {
            identity.addAttribute(Callers.END, end);
        }
        if (userId == null) {
            identity.addPermissionAsString(Scopes.ALL_USERS);
        }
        return identity.build();
    }

    @Override
    public String getName() {
        return name == null ? "anybody" : name;
    }

    /**
     * The author of a change: the caller, followed by the name in the header {@code OMS-Actor}, which nobody verifies,
     * in parentheses.
     *
     * @param headers the values of {@value Actor#HEADER}
     */
    public Actor actor(List<String> headers) {
        Actor label = Actor.from(headers);
        if (name == null) {
            return label;
        }
        return headers.isEmpty() ? new Actor(name) : new Actor(name + " (" + label.name() + ")");
    }
}
