//! A list that grows at its end and shares its beginning with the lists that it was copied from.

use std::sync::Arc;

/// A list whose copies cost nothing, however long it is.
#[derive(Debug)]
pub struct SharedList<T> {
    last: Option<Arc<Link<T>>>,
    len: usize,
}

#[derive(Debug)]
struct Link<T> {
    item: T,
    before: SharedList<T>,
}

impl<T> SharedList<T> {
    /// Adds an item behind the last one.
    pub fn push(&mut self, item: T) {
        let before = SharedList { last: self.last.take(), len: self.len };
        self.last = Some(Arc::new(Link { item, before }));
        self.len += 1;
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.last.as_ref().map(|link| &link.item)
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The first `len` items, shared with this list.
    pub fn first(&self, len: usize) -> SharedList<T> {
        let mut list = self.clone();
        while list.len > len {
            let before = list.last.as_ref().map_or_else(SharedList::default, |link| link.before.clone());
            list = before;
        }
        list
    }

    /// Number of items at the beginning that both lists share: one was copied from the other, or both from a third.
    pub fn shared(&self, other: &SharedList<T>) -> usize {
        let links = |list: &'_ SharedList<T>, skipped: usize| {
            let links = std::iter::successors(list.last.as_deref(), |link| link.before.last.as_deref());
            links.skip(skipped).map(std::ptr::from_ref).collect::<Vec<*const Link<T>>>()
        };
        let common = self.len.min(other.len);
        let (own, others) = (links(self, self.len - common), links(other, other.len - common));
        own.iter().zip(&others).position(|(a, b)| a == b).map_or(0, |beyond| common - beyond)
    }

    /// The items from the last to the first.
    pub fn backwards(&self) -> impl Iterator<Item = &T> {
        std::iter::successors(self.last.as_deref(), |link| link.before.last.as_deref()).map(|link| &link.item)
    }

    /// The items from the first to the last.
    pub fn items(&self) -> Vec<&T> {
        let mut items: Vec<&T> = self.backwards().collect();
        items.reverse();
        items
    }
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        SharedList { last: None, len: 0 }
    }
}

impl<T> Clone for SharedList<T> {
    fn clone(&self) -> Self {
        SharedList { last: self.last.clone(), len: self.len }
    }
}

impl<T, const COUNT: usize> From<[T; COUNT]> for SharedList<T> {
    fn from(items: [T; COUNT]) -> Self {
        items.into_iter().collect()
    }
}

impl<T> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = SharedList::default();
        items.into_iter().for_each(|item| list.push(item));
        list
    }
}

/// Link by link: by itself each link would be dropped within the one behind it, and a long list overflow the stack.
impl<T> Drop for SharedList<T> {
    fn drop(&mut self) {
        let mut last = self.last.take();
        while let Some(mut link) = last.and_then(Arc::into_inner) {
            last = link.before.last.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SharedList;

    #[test]
    fn copies_grow_apart() {
        let mut one: SharedList<u32> = (0..3).collect();
        let mut other = one.clone();
        one.push(3);
        other.push(4);
        assert_eq!(one.items(), [&0, &1, &2, &3]);
        assert_eq!(other.backwards().copied().collect::<Vec<_>>(), [4, 2, 1, 0]);
        assert_eq!((one.last(), one.len(), SharedList::<u32>::default().last()), (Some(&3), 4, None));
    }

    #[test]
    fn beginnings_are_known() {
        let list: SharedList<u32> = (0..3).collect();
        let (mut one, mut other) = (list.clone(), list.clone());
        one.push(3);
        one.push(4);
        other.push(3);
        assert_eq!((one.shared(&other), other.shared(&one), one.shared(&list), list.shared(&list)), (3, 3, 3, 3));
        assert_eq!((one.first(3).shared(&list), one.first(3).len(), one.first(9).len()), (3, 3, 5));
        assert_eq!((one.shared(&(0..5).collect()), one.shared(&SharedList::default())), (0, 0));
    }

    #[test]
    fn long_lists_are_dropped() {
        let list: SharedList<usize> = (0..1_000_000).collect();
        let copy = list.clone();
        drop(list);
        assert_eq!(copy.backwards().count(), 1_000_000);
    }
}
