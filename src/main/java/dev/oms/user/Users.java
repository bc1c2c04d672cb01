package dev.oms.user;

import dev.oms.http.ProblemException;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import jakarta.enterprise.context.ApplicationScoped;
import org.hibernate.Session;

@ApplicationScoped
public class Users implements PanacheRepository<User> {
    /**
     * Checks that a user exists.
     *
     * @throws ProblemException 404 when there is no such user
     */
    public void require(long id) {
        if (count("id", id) == 0) {
            throw ProblemException.unknown("user", id);
        }
    }

    /**
     * Whether an address, in any case, belongs to one of the users that {@code V25} left out of the unique index. The
     * index knows only the first user of such an address, who may have another one by now.
     */
    boolean isShared(String email) {
        return getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery("""
                        select exists (
                            select 1 from users
                            where email_shared and lower(normalize(email, nfc)) = lower(normalize(?1, nfc)))""", Boolean.class)
                .setParameter(1, email)
                .getSingleResult();
    }
}
