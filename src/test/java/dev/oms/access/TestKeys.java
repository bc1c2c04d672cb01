package dev.oms.access;

import dev.oms.Ledger;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Keys for tests, also of a process that runs elsewhere: they are written into its database. */
public final class TestKeys {
    private TestKeys() {}

    /** A key that may do everything. */
    public static String admin(Ledger ledger) {
        return of(ledger, "tests", Role.admin.scopes(), null, "null", "null");
    }

    /** A key with a role's scopes. */
    public static String ofRole(Ledger ledger, String role) {
        return of(ledger, Role.valueOf(role), null);
    }

    /** A key of a customer. */
    public static String ofUser(Ledger ledger, long userId) {
        return of(ledger, Role.customer, userId);
    }

    /** Keys that nobody has created. */
    public static List<String> unknown(int count) {
        return Stream.generate(() -> KeySecret.create().value()).limit(count).toList();
    }

    /**
     * Many keys of a storefront.
     *
     * @param expiresAt an SQL expression
     * @param revokedAt an SQL expression
     */
    public static List<String> many(Ledger ledger, int count, String expiresAt, String revokedAt) {
        return Stream.generate(() -> of(ledger, "many", Role.storefront.scopes(), null, expiresAt, revokedAt))
                .limit(count)
                .toList();
    }

    static String of(Ledger ledger, Role role, Long userId) {
        return of(ledger, role.name(), role.scopes(), userId, "null", "null");
    }

    /**
     * A key.
     *
     * @param expiresAt an SQL expression
     * @param revokedAt an SQL expression
     */
    static String of(Ledger ledger, String name, Set<String> scopes, Long userId, String expiresAt, String revokedAt) {
        KeySecret secret = KeySecret.create();
        ledger.execute("""
                insert into api_keys (name, hint, digest, scopes, user_id, created_by, created_at, expires_at, revoked_at)
                values ('%s', '%s', '\\x%s', '{%s}', %s, 'tests', now(), %s, %s)""".formatted(
                        name,
                        secret.hint(),
                        HexFormat.of().formatHex(secret.digest()),
                        String.join(",", scopes),
                        userId,
                        expiresAt,
                        revokedAt));
        return secret.value();
    }
}
