package dev.oms.user;

import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A person who places orders. */
@Entity
@Table(name = "users")
public class User {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long id;

    private String name;
    private String email;
    private String phone;
    private Instant createdAt;
    private Instant updatedAt;

    protected User() {}

    User(String name, String email, String phone, Instant now) {
        this.name = name;
        this.email = email;
        this.phone = phone;
        this.createdAt = now;
        this.updatedAt = now;
    }

    Long id() {
        return id;
    }

    UserView view() {
        return new UserView(id, name, email, phone, createdAt, updatedAt);
    }

    /** A user on the wire. */
    @RegisterForReflection
    record UserView(long id, String name, String email, String phone, Instant createdAt, Instant updatedAt) {}
}
